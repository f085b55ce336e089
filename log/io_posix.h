/*
 * io_posix.h - what the two io tables of the library share beside the table itself.
 */
#ifndef FLUME_IO_POSIX_H
#define FLUME_IO_POSIX_H

/*
 * A descriptor of the same file that is not 0, 1 or 2, or a negative errno; the given one is closed
 * or is the result. A program that has closed its standard output would otherwise get a log file in
 * its place, and its next printf would land in the records.
 */
int io_posix_above_standard(int file);

#endif
