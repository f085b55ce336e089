/*
 * machine.c - reading /proc and friends. See machine.h.
 *
 * What cannot be found out stays "unknown": a figure without it is still a figure.
 */
#include "machine.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifdef __clang__
#define COMPILER __VERSION__ /* Begins with its name. */
#else
#define COMPILER "gcc " __VERSION__
#endif

static const struct {
    unsigned long magic;
    const char *name;
} file_systems[] = {
    {0xef53, "ext4"},         {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x01021994, "tmpfs"},
    {0x794c7630, "overlay"},  {0x2fc12fc1, "zfs"},  {0xf2f52010, "f2fs"},  {0x6969, "nfs"},
    {0xca451a4e, "bcachefs"}, {0x65735546, "fuse"}, {0x858458f6, "ramfs"},
};

/* A double quote or a backslash would end a JSON string too early. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            *text = ' ';
    }
}

static void find_processor(struct machine *machine)
{
    FILE *stream = fopen("/proc/cpuinfo", "re");
    char line[256];

    while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
        if (sscanf(line, "model name : %127[^\n]", machine->processor) == 1)
            break;
    }
    if (stream != NULL)
        (void)fclose(stream);
}

static void find_file_system(struct machine *machine, const char *path)
{
    struct statfs info;

    if (statfs(path, &info) != 0)
        return;
    (void)snprintf(machine->file_system, sizeof(machine->file_system), "0x%lx",
                   (unsigned long)info.f_type);
    for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
        if (file_systems[i].magic == ((unsigned long)info.f_type & 0xffffffff))
            (void)snprintf(machine->file_system, sizeof(machine->file_system), "%s",
                           file_systems[i].name);
    }
}

static void find_engines(struct machine *machine)
{
    const struct engine_type *const types[] = {&engine_flume, engine_lmdb, engine_leveldb,
                                               engine_rocksdb, engine_sqlite};
    size_t used = 0;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i]->version == NULL || used >= sizeof(machine->engines))
            continue;
        used += (size_t)snprintf(machine->engines + used, sizeof(machine->engines) - used, "%s%s",
                                 used == 0 ? "" : ", ", types[i]->version());
    }
}

void machine_describe(struct machine *out_machine, const char *path)
{
    struct utsname name;

    *out_machine = (struct machine){.processor = "unknown",
                                    .kernel = "unknown",
                                    .file_system = "unknown",
                                    .compiler = COMPILER,
                                    .processors = sysconf(_SC_NPROCESSORS_ONLN)};
    out_machine->memory_bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (uname(&name) == 0)
        (void)snprintf(out_machine->kernel, sizeof(out_machine->kernel), "%.31s %.63s %.31s",
                       name.sysname, name.release, name.machine);
    find_processor(out_machine);
    find_file_system(out_machine, path);
    find_engines(out_machine);
    make_plain(out_machine->processor);
    make_plain(out_machine->kernel);
    make_plain(out_machine->compiler);
    make_plain(out_machine->engines);
}

int machine_is_volatile(const struct machine *machine)
{
    return strcmp(machine->file_system, "tmpfs") == 0 || strcmp(machine->file_system, "ramfs") == 0;
}

void machine_print(const struct machine *machine, FILE *stream)
{
    fprintf(stream, "machine: %s, %ld cores, %.0f GiB; %s; %s\n", machine->processor,
            machine->processors, machine->memory_bytes / (1 << 30), machine->kernel,
            machine->file_system);
    fprintf(stream, "built by: %s; with: %s\n", machine->compiler, machine->engines);
    if (machine_is_volatile(machine))
        fputs("This file system lives in memory: the figures of syncs mean nothing here. "
              "Choose another place with --dir.\n",
              stream);
}

char *machine_json(const struct machine *machine)
{
    char *text = NULL;

    if (asprintf(&text,
                 "\"machine\":{\"processor\":\"%s\",\"cores\":%ld,\"memory_bytes\":%.0f,"
                 "\"kernel\":\"%s\",\"file_system\":\"%s\",\"compiler\":\"%s\",\"engines\":\"%s\"}",
                 machine->processor, machine->processors, machine->memory_bytes, machine->kernel,
                 machine->file_system, machine->compiler, machine->engines) < 0)
        return NULL;
    return text;
}
