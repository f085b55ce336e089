#!/bin/sh
# The folders depend on each other in one direction, and only the io table calls the system.
#
#   repl/  -> include/, jansson, libedit
#   views/ -> include/, LMDB, jansson, BLAKE3
#   log/   -> include/, xxHash, zstd, BLAKE3 (later libsodium, ISA-L)
#
# 1. Each folder compiles with no other include path than its own and include/.
# 2. Of the headers of other libraries it reaches only those named above.
# 3. The objects of log/, except io_posix and io_memory, do not name a function of libc that enters
#    the system, prints, exits or allocates. What an object may do all the same stands in
#    allowed_symbols, with the reason.
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
    for source in "$FLUME_SOURCE_DIR/$folder"/*.c; do
        [ -e "$source" ] || continue
        name=$folder/$(basename "$source")
        # The rule that the compiler writes names every header reached, system headers included.
        "$CC" -std=c17 -D_GNU_SOURCE -DFLUME_BUILDING -fsyntax-only -MD -MF "$work/rule" \
            -I"$FLUME_SOURCE_DIR/include" -I"$FLUME_SOURCE_DIR/$folder" "$source" ||
            { fail "$name: does not compile with include/ and $folder/ alone"; continue; }
        tr -s ' \\' '\n\n' <"$work/rule" | grep '\.h$' | sort -u >"$work/headers"
        bad=$(grep -E "$foreign" "$work/headers" | grep -vE "$allowed" | tr '\n' ' ')
        [ -z "$bad" ] || fail "$name: reaches $bad"
        bad=$(grep -F "$FLUME_SOURCE_DIR/" "$work/headers" |
            grep -vE "^$FLUME_SOURCE_DIR/(include/flume|$folder)/[^/]*$" | tr '\n' ' ')
        [ -z "$bad" ] || fail "$name: reaches $bad"
        compiled=$((compiled + 1))
    done
    bad=$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*\.\./' \
        "$FLUME_SOURCE_DIR/$folder"/*.[ch] 2>/dev/null)
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

# check_symbols OBJECT_FILE: its undefined symbols against the two lists.
check_symbols() {
    object=$(basename "$1" .c.o)
    case $object in io_posix | io_memory) return ;; esac
    # 64-bit and fortified spellings of a function count as the function.
    nm -u "$1" | awk '{print $NF}' | sed 's/@.*//; s/^__\(.*\)_chk$/\1/; s/64$//; s/^__isoc99_//' |
        sort -u >"$work/used"
    for symbol in $forbidden; do
        grep -qx "$symbol" "$work/used" || continue
        case " $(allowed_symbols "$object") " in *" $symbol "*) continue ;; esac
        fail "log/$object.c: calls $symbol; only the io table and the allocator may"
    done
    inspected=$((inspected + 1))
}

compiled=0
inspected=0
check_folder log 'xxhash|xxh3|xxh_x86dispatch|zstd|zstd_errors|blake3'
check_folder views 'lmdb|jansson|jansson_config|blake3'
check_folder repl 'jansson|jansson_config|histedit'
for object in "$FLUME_BUILD_DIR"/CMakeFiles/flume_objects.dir/log/*.c.o; do
    [ -e "$object" ] || { fail "no objects in $FLUME_BUILD_DIR"; break; }
    # What was removed from log/ may still lie in the build directory.
    [ -e "$FLUME_SOURCE_DIR/log/$(basename "$object" .o)" ] && check_symbols "$object"
done

echo "$compiled files compiled, $inspected objects inspected, $failures failures"
[ "$compiled" -gt 0 ] && [ "$inspected" -gt 0 ] && [ "$failures" -eq 0 ]
