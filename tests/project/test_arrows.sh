#!/bin/sh
# The folders depend on each other in one direction, and only the io table calls the system.
#
#   repl/  -> include/, jansson, libedit
#   views/ -> include/, LMDB, jansson, BLAKE3, zstd
#   log/   -> include/, xxHash, zstd, BLAKE3, ISA-L (later libsodium)
#
# 1. Each folder compiles with no other include path than its own and include/.
# 2. Of the headers of other libraries it reaches only those named above.
# 3. The objects of log/ and those of views/ know each other by flume's public names alone, and log/
#    knows none of views/.
# 4. The objects of log/, except io_posix and io_memory, do not name a function of libc that enters
#    the system, prints, exits or allocates. What an object may do all the same stands in
#    allowed_symbols, with the reason. Those of views/ may use files and memory, but they do not print,
#    end the program, change what belongs to all of it, or sleep.
set -u
: "${FLUME_SOURCE_DIR:?}" "${FLUME_BUILD_DIR:?}" "${CC:=cc}"
command -v nm >/dev/null || { echo "skipped: no nm"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "$*"; failures=$((failures + 1)); }

# The headers of every library that any folder may use, so that a folder's others are forbidden.
foreign='(^|/)(lmdb|jansson|jansson_config|blake3|zstd|zstd_errors|zdict|xxhash|xxh3|xxh_x86dispatch'
foreign="$foreign"'|sodium|histedit|readline|cmocka|sqlite3|isa-l)\.h$|/(sodium|isa-l|editline|rocksdb|leveldb)/'

# check_folder FOLDER ALLOWED: compile its files alone; of the foreign headers only ALLOWED (a
# regular expression of names without .h) may be reached.
check_folder() {
    folder=$1
    allowed="(^|/)($2)\\.h\$"
    directories=$(find "$FLUME_SOURCE_DIR/$folder" -type d)
    for source in $(find "$FLUME_SOURCE_DIR/$folder" -name '*.c'); do
        name=${source#"$FLUME_SOURCE_DIR/"}
        # The rule that the compiler writes names every header reached, system headers included.
        "$CC" -std=c17 -D_GNU_SOURCE -DFLUME_BUILDING -fsyntax-only -MD -MF "$work/rule" \
            -I"$FLUME_SOURCE_DIR/include" $(printf -- '-I%s ' $directories) \
            ${FLUME_BLAKE3_INCLUDES:+-isystem "$FLUME_BLAKE3_INCLUDES"} "$source" ||
            { fail "$name: does not compile with include/ and $folder/ alone"; continue; }
        tr -s ' \\' '\n\n' <"$work/rule" | grep '\.h$' | sort -u >"$work/headers"
        bad=$(grep -E "$foreign" "$work/headers" | grep -vE "$allowed" | tr '\n' ' ')
        [ -z "$bad" ] || fail "$name: reaches $bad"
        bad=$(grep -F "$FLUME_SOURCE_DIR/" "$work/headers" |
            grep -vE "^$FLUME_SOURCE_DIR/(include/flume|$folder(/[a-z]+)?)/[^/]*$" | tr '\n' ' ')
        [ -z "$bad" ] || fail "$name: reaches $bad"
        compiled=$((compiled + 1))
    done
    bad=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*\.\./' \
        "$FLUME_SOURCE_DIR/$folder" --include='*.[ch]' 2>/dev/null)
    [ -z "$bad" ] || fail "an include that climbs out of its folder: $bad"
}

# allowed_symbols OBJECT: what this object may use although others may not.
allowed_symbols() {
    case $1 in
    # The default allocator of a handle.
    memory) echo malloc calloc realloc free ;;
    # pthread_mutex_clocklock compares its deadline with the system's clock, not with the table's.
    wait) echo clock_gettime ;;
    # A page that is wiped in a forked child, and descriptors for poll loops: no files.
    fork_guard) echo mmap munmap madvise ;;
    notify) echo read write close ;;
    esac
}

# Functions that open, move, wait, print, end the program or allocate. assert's __assert_fail and
# what only computes (strlen, snprintf, qsort ...) are not among them.
forbidden='open openat creat close read pread preadv write pwrite pwritev lseek mmap mremap munmap
    msync madvise fallocate posix_fallocate ftruncate truncate rename renameat renameat2 unlink
    unlinkat rmdir mkdir mkdirat link symlink fsync fdatasync sync syncfs fcntl flock ioctl syscall
    stat fstat lstat fstatat statx statfs fstatfs opendir readdir closedir scandir nftw
    clock_gettime gettimeofday time nanosleep clock_nanosleep usleep sleep poll select
    getrandom getentropy rand random srand fopen fclose fread fwrite fprintf printf vprintf vfprintf
    puts putchar fputs fputc perror fflush exit _exit _Exit abort raise kill signal sigaction fork
    system malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup
    asprintf vasprintf getline setenv setlocale'

# What belongs to the program that flume is built into.
forbidden_in_views='sleep usleep nanosleep clock_nanosleep rand random srand printf vprintf puts
    putchar perror exit _exit _Exit abort raise kill signal sigaction fork system setenv putenv
    setlocale chdir umask'

# symbols_of OBJECT_FILE: what it needs from elsewhere. 64-bit and fortified spellings of a function
# count as the function.
symbols_of() {
    nm -u "$1" | awk '{print $NF}' | sed 's/@.*//; s/^__\(.*\)_chk$/\1/; s/64$//; s/^__isoc99_//' |
        sort -u
}

# check_symbols FOLDER OBJECT_FILE FORBIDDEN: its undefined symbols against the two lists.
check_symbols() {
    object=$(basename "$2" .c.o)
    case $1/$object in log/io_posix | log/io_memory) return ;; esac
    symbols_of "$2" >"$work/used"
    for symbol in $3; do
        grep -qx "$symbol" "$work/used" || continue
        [ "$1" = log ] &&
            case " $(allowed_symbols "$object") " in *" $symbol "*) continue ;; esac
        fail "$1/$object.c: calls $symbol; only the io table, the allocator and the program may"
    done
    inspected=$((inspected + 1))
}

# objects_of FOLDER: its objects. What was removed from the folder may still lie in the build
# directory.
objects_of() {
    case $1 in log) target=flume_objects ;; *) target=flume_$1 ;; esac
    for object in "$FLUME_BUILD_DIR/CMakeFiles/$target.dir/$1"/*.c.o; do
        [ -e "$FLUME_SOURCE_DIR/$1/$(basename "$object" .o)" ] && echo "$object"
    done
}

# check_strangers USER OWNER ALLOWED: of the names that OWNER's objects define, USER's need only those
# that match ALLOWED.
check_strangers() {
    for object in $(objects_of "$2"); do
        nm --defined-only --extern-only "$object" | awk '{print $NF}'
    done | sort -u >"$work/owned"
    for object in $(objects_of "$1"); do
        bad=$(nm -u "$object" | awk '{print $NF}' | sort -u | comm -12 - "$work/owned" |
            grep -vE "$3" | tr '\n' ' ')
        [ -z "$bad" ] || fail "$1/$(basename "$object" .c.o).c: needs from $2/ $bad"
    done
}

compiled=0
inspected=0
check_folder log 'xxhash|xxh3|xxh_x86dispatch|zstd|zstd_errors|zdict|blake3|erasure_code|gf_vect_mul'
check_folder views 'lmdb|jansson|jansson_config|blake3|xxhash|zstd|zstd_errors'
check_folder repl 'jansson|jansson_config|histedit'
for folder in log views; do
    [ -n "$(objects_of $folder)" ] || fail "no objects of $folder/ in $FLUME_BUILD_DIR"
done
for object in $(objects_of log); do
    check_symbols log "$object" "$forbidden"
done
for object in $(objects_of views); do
    check_symbols views "$object" "$forbidden_in_views"
done
check_strangers views log '^flume_'
check_strangers log views '^$'

echo "$compiled files compiled, $inspected objects inspected, $failures failures"
[ "$compiled" -gt 0 ] && [ "$inspected" -gt 0 ] && [ "$failures" -eq 0 ]
