/*
 * head.c - making and vouching for HEAD.
 */
#include "head.h"

#include <string.h>

#include "bytes.h"
#include "flume/status.h"
#include "hash.h"

static const char head_magic[8] = {'f', 'l', 'u', 'm', 'h', 'e', 'a', 'd'};

uint32_t head_layout(void)
{
#if defined(__GLIBC__)
    uint32_t libc = 1;
#else
    uint32_t libc = 2;
#endif
    return HEAD_FORMAT << 24 | libc << 20 | (uint32_t)sizeof(void *) << 12 |
           (uint32_t)sizeof(pthread_mutex_t);
}

static int mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return FLUME_ERR_NO_MEMORY;
    error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes); /* Cannot fail once it was made. */
    return error == 0 ? FLUME_OK : FLUME_ERR_NO_MEMORY;
}

static int mutexes_init(struct head *head)
{
    int status = mutex_init(&head->append_mutex);

    if (status == FLUME_OK)
        status = mutex_init(&head->sync_mutex);
    if (status == FLUME_OK)
        status = mutex_init(&head->prepare_mutex);
    if (status == FLUME_OK)
        status = mutex_init(&head->seal_mutex);
    if (status == FLUME_OK)
        status = mutex_init(&head->board_mutex);
    for (size_t i = 0; status == FLUME_OK && i < FLUME_LANES; i++)
        status = mutex_init(&head->lanes[i].mutex);
    return status;
}

int head_take_over(struct head *head)
{
    atomic_store(&head->state, HEAD_EMPTY);
    (void)atomic_fetch_and(&head->refusal, HEAD_REFUSALS);
    atomic_store(&head->append_owner, 0);
    atomic_store(&head->sync_owner, 0);
    atomic_store(&head->seal_owner, 0);
    atomic_store(&head->prepared_bytes, 0);
    atomic_store(&head->sealed_to, 0); /* Files may have been exchanged since; who seals looks. */
    atomic_store(&head->wake_wanted, 0);
    atomic_store(&head->durable_wanted, 0);
    atomic_store(&head->board_owner, 0);
    for (size_t i = 0; i < FLUME_BOARDS_MAX; i++)
        atomic_store(&head->boards[i].wanted, 0);
    memset(head->attach, 0, sizeof head->attach);
    memset(head->lanes, 0, sizeof head->lanes);
    memset(&head->append_mutex, 0, sizeof head->append_mutex);
    memset(&head->sync_mutex, 0, sizeof head->sync_mutex);
    memset(&head->prepare_mutex, 0, sizeof head->prepare_mutex);
    memset(&head->seal_mutex, 0, sizeof head->seal_mutex);
    memset(&head->board_mutex, 0, sizeof head->board_mutex);
    return mutexes_init(head);
}

void head_clear_boards(struct head *head)
{
    atomic_store(&head->board_count, 0);
    memset(head->boards, 0, sizeof head->boards);
}

bool head_is_readable(const struct head *head)
{
    return memcmp(head->magic, head_magic, sizeof head_magic) == 0 && head->layout == head_layout();
}

bool head_is_of_copy(const struct head *head, uint64_t lock_inode)
{
    uint32_t state = atomic_load(&head->state);

    if (!head_is_readable(head))
        return false;
    return state == HEAD_COPY || (state == HEAD_READY && head->lock_inode != lock_inode);
}

int head_init(struct head *head)
{
    atomic_store(&head->state, HEAD_EMPTY);
    memset(head, 0, sizeof *head);
    memcpy(head->magic, head_magic, sizeof head_magic);
    head->layout = head_layout();
    for (size_t i = 0; i < STRATA_KINDS; i++)
        head->last_of_kind[i] = FLUME_SEQ_NONE;
    return mutexes_init(head);
}

uint64_t head_closed_check(const struct head *head)
{
    uint64_t words[] = {
        head->lock_device,
        head->lock_inode,
        atomic_load(&head->head),
        atomic_load(&head->durable),
        atomic_load(&head->synced_layout_seq),
        atomic_load(&head->gate_seq),
        atomic_load(&head->active_first),
        atomic_load(&head->refusal),
        atomic_load(&head->active_bytes),
        head->running_time_ns,
        head->witnessed,
        head->trusted_from,
        atomic_load(&head->needs),
        atomic_load(&head->needs_settled),
    };
    uint64_t check = hash_bytes(words, sizeof words, head->layout);

    check = hash_bytes(head->boot_id, sizeof head->boot_id, check);
    check = hash_bytes(head->active_id, sizeof head->active_id, check);
    return hash_bytes((const void *)head->last_of_kind, sizeof head->last_of_kind, check);
}
