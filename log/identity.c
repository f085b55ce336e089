/*
 * identity.c - who this process is, for manifests and the attach table.
 */
#include "identity.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PASSWORD_ENTRY_BYTES = 4096 };

void identity_host(char *target, size_t target_bytes)
{
    if (gethostname(target, target_bytes) != 0)
        target[0] = '\0';
    target[target_bytes - 1] = '\0';
}

void identity_user(char *target, size_t target_bytes)
{
    char buffer[PASSWORD_ENTRY_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        (void)snprintf(target, target_bytes, "%s", entry.pw_name);
    else
        (void)snprintf(target, target_bytes, "%u", (unsigned)geteuid());
}

void identity_program(char *target, size_t target_bytes)
{
    (void)snprintf(target, target_bytes, "%s", program_invocation_short_name);
}

uint64_t identity_pid(void)
{
    return (uint64_t)getpid();
}
