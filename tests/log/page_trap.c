/*
 * page_trap.c - pages that may not be touched, and what happens when they are.
 */
#include "page_trap.h"

#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A handler of signals finds nothing but what is static. */
static struct {
    struct sigaction before;
    uint8_t *pages;
    size_t pages_bytes;
    const uint8_t *bytes;
    size_t count;
    void (*action)(void *ctx);
    void *ctx;
    volatile sig_atomic_t is_set, has_sprung, was_elsewhere;
} trap;

#if defined(__SANITIZE_THREAD__)
#define WORKS false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WORKS false
#endif
#endif
#ifndef WORKS
#define WORKS true
#endif

bool page_trap_works(void)
{
    return WORKS;
}

static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page - 1) / page * page;
}

static void on_access(int signal, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;

    (void)signal;
    (void)context;
    if (!trap.is_set || at < trap.pages || at >= trap.pages + trap.pages_bytes) {
        (void)sigaction(SIGSEGV, &trap.before, NULL); /* An error: the next time it ends us. */
        return;
    }
    trap.is_set = 0;
    (void)mprotect(trap.pages, trap.pages_bytes, PROT_READ | PROT_WRITE);
    trap.was_elsewhere = at < trap.bytes || at >= trap.bytes + trap.count;
    trap.has_sprung = 1;
    trap.action(trap.ctx);
}

void page_trap_set(void *bytes, size_t count, enum page_trap_on on, void (*action)(void *ctx),
                   void *ctx)
{
    struct sigaction handler = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO | SA_NODEFER};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (size_t)((uintptr_t)bytes % page);
    int result;

    assert(!trap.is_set);
    trap.pages = (uint8_t *)bytes - before;
    trap.pages_bytes = whole_pages(before + count);
    trap.bytes = bytes;
    trap.count = count;
    trap.action = action;
    trap.ctx = ctx;
    trap.has_sprung = trap.was_elsewhere = 0;
    (void)sigemptyset(&handler.sa_mask);
    result = sigaction(SIGSEGV, &handler, &trap.before);
    assert(result == 0);
    trap.is_set = 1;
    result = mprotect(trap.pages, trap.pages_bytes, on == PAGE_TRAP_ON_ANY ? PROT_NONE : PROT_READ);
    assert(result == 0);
}

bool page_trap_end(void)
{
    trap.is_set = 0;
    (void)mprotect(trap.pages, trap.pages_bytes, PROT_READ | PROT_WRITE);
    (void)sigaction(SIGSEGV, &trap.before, NULL);
    return trap.has_sprung && !trap.was_elsewhere;
}

/* --- Objects with pages of their own ---------------------------------------------------------- */

static void *objects_allocate(void *ctx, size_t bytes)
{
    struct page_objects *objects = ctx;
    void *memory;
    size_t i = 0;

    if (bytes != objects->object_bytes)
        return malloc(bytes);
    memory =
        mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)pthread_mutex_lock(&objects->mutex);
    while (i < PAGE_OBJECTS_MAX && objects->objects[i] != NULL)
        i++;
    assert(i < PAGE_OBJECTS_MAX);
    objects->objects[i] = memory;
    (void)pthread_mutex_unlock(&objects->mutex);
    return memory;
}

/* Forget an object; false: it is none. */
static bool take_out(struct page_objects *objects, const void *memory)
{
    bool is_object = false;

    (void)pthread_mutex_lock(&objects->mutex);
    for (size_t i = 0; i < PAGE_OBJECTS_MAX && memory != NULL && !is_object; i++) {
        is_object = objects->objects[i] == memory;
        if (is_object)
            objects->objects[i] = NULL;
    }
    (void)pthread_mutex_unlock(&objects->mutex);
    return is_object;
}

static void objects_release(void *ctx, void *memory)
{
    struct page_objects *objects = ctx;

    if (take_out(objects, memory))
        (void)munmap(memory, whole_pages(objects->object_bytes));
    else
        free(memory);
}

/* No object is ever resized. */
static void *objects_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    return realloc(memory, bytes);
}

void page_objects_init(struct page_objects *objects, size_t object_bytes)
{
    memset(objects, 0, sizeof *objects);
    objects->object_bytes = object_bytes;
    objects->table = (flume_allocator){objects_allocate, objects_resize, objects_release, objects};
    (void)pthread_mutex_init(&objects->mutex, NULL); /* Without attributes it does not fail. */
}

void page_objects_deinit(struct page_objects *objects)
{
    for (size_t i = 0; i < PAGE_OBJECTS_MAX; i++)
        assert(objects->objects[i] == NULL);
    (void)pthread_mutex_destroy(&objects->mutex);
}
