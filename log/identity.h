/*
 * identity.h - who this process is, for manifests and the attach table.
 */
#ifndef FLUME_IDENTITY_H
#define FLUME_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* NUL-terminated, cut to fit; "" where the system does not say. */
void identity_host(char *target, size_t target_bytes);
void identity_user(char *target, size_t target_bytes);
void identity_program(char *target, size_t target_bytes);
uint64_t identity_pid(void);

#endif
