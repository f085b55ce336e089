/*
 * loaded.c - views of the user's own, from shared objects (loaded.h).
 */
#include "loaded.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define SYMBOL "flume_views"

/* A name without '/' would be looked for where the system keeps its libraries, not here. */
static void *open_object(const char *path)
{
    struct text here = {0};
    void *object;

    if (strchr(path, '/') != NULL)
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    text_format(&here, "./%s", path);
    object = dlopen(text_c_string(&here), RTLD_NOW | RTLD_LOCAL);
    text_deinit(&here);
    return object;
}

static int add_definitions(struct loaded *loaded, const flume_view_definition *const *views)
{
    size_t count = 0;
    const flume_view_definition **grown;

    while (views[count] != NULL)
        count++;
    grown = realloc(loaded->definitions, (loaded->definition_count + count + 1) * sizeof(grown[0]));
    if (grown == NULL)
        return FLUME_ERR_NO_MEMORY;
    memcpy(grown + loaded->definition_count, views, count * sizeof(grown[0]));
    loaded->definitions = grown;
    loaded->definition_count += count;
    return FLUME_OK;
}

static int load(struct loaded *loaded, struct session *session, const struct option_use *use)
{
    void *object = open_object(use->text);
    const flume_view_definition *const *views;
    int status;

    if (object == NULL)
        return report_at(session, (struct reference_place){use->token, use->text_at, 0},
                         ERROR_NOT_LOADED, dlerror());
    loaded->objects[loaded->object_count++] = object;
    views = (const flume_view_definition *const *)dlsym(object, SYMBOL);
    if (views == NULL)
        return report_at(session, (struct reference_place){use->token, use->text_at, 0},
                         ERROR_NO_VIEWS_INSIDE, SYMBOL);
    status = add_definitions(loaded, views);
    return status == FLUME_OK ? CODE_OK : report_status(session, status, NULL);
}

int loaded_open(struct loaded *loaded, struct session *session)
{
    const struct invocation *invocation = session->invocation;
    int code = CODE_OK;

    loaded->objects = calloc(invocation->option_count + 1, sizeof(loaded->objects[0]));
    if (loaded->objects == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < invocation->option_count && code == CODE_OK; i++)
        if (invocation->options[i].id == OPTION_LOAD)
            code = load(loaded, session, &invocation->options[i]);
    return code;
}

void loaded_close(struct loaded *loaded)
{
    for (size_t i = loaded->object_count; i-- > 0;)
        (void)dlclose(loaded->objects[i]); /* It goes with the process at the latest. */
    free(loaded->objects);
    free(loaded->definitions);
    *loaded = (struct loaded){0};
}
