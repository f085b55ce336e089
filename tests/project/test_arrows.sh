#!/bin/sh
# The folders depend on each other in one direction, and only the io table calls the system.
#
#   repl/  -> include/, jansson, libedit
#   views/ -> include/, LMDB, jansson, BLAKE3, zstd
#   log/   -> include/, xxHash, zstd, BLAKE3, ISA-L (later libsodium)
#
# 1. Each folder finds its headers with no other include path than its own and include/.
# 2. Of the headers of other libraries it reaches only those named above.
# 3. The objects of log/ and those of views/ know each other by flume's public names alone, and log/
#    knows none of views/.
# 4. The objects of log/, except io_posix and io_memory, do not name a function of libc that enters
#    the system, prints, exits or allocates. What an object may do all the same stands in
#    allowed_symbols, with the reason. Those of views/ may use files and memory, but they do not print,
#    end the program, change what belongs to all of it, or sleep.
set -u
export LC_ALL=C
: "${FLUME_SOURCE_DIR:?}" "${FLUME_BUILD_DIR:?}" "${CC:=cc}"
command -v nm >/dev/null || { echo "skipped: no nm"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "$*"; failures=$((failures + 1)); }

# The headers of every library that any folder may use, so that a folder's others are forbidden.
foreign='(^|/)(lmdb|jansson|jansson_config|blake3|zstd|zstd_errors|zdict|xxhash|xxh3|xxh_x86dispatch'
foreign="$foreign"'|sodium|histedit|readline|cmocka|sqlite3|isa-l)\.h$|/(sodium|isa-l|editline|rocksdb|leveldb)/'

# check_folder FOLDER ALLOWED: preprocess its files alone; of the foreign headers only ALLOWED (a
# regular expression of names without .h) may be reached.
check_folder() {
    folder=$1
    directories=$(find "$FLUME_SOURCE_DIR/$folder" -type d)
    sources=$(find "$FLUME_SOURCE_DIR/$folder" -name '*.c')
    # The rules that the compiler writes name every header reached, system headers included. To find
    # them is enough: that what they say compiles, the build has shown.
    "$CC" -std=c17 -D_GNU_SOURCE -DFLUME_BUILDING -M \
        -I"$FLUME_SOURCE_DIR/include" $(printf -- '-I%s ' $directories) \
        ${FLUME_BLAKE3_INCLUDES:+-isystem "$FLUME_BLAKE3_INCLUDES"} $sources >"$work/rules" ||
        fail "$folder/: wants more than the headers of include/ and its own"
    # OBJECT: SOURCE HEADER... \ becomes lines "SOURCE HEADER".
    awk '/^[^ ]*:/ { source = ""; $1 = "" }
         { for (i = 1; i <= NF; i++)
               if ($i == "\\" || $i == "") continue
               else if (source == "") source = $i
               else print source, $i }' "$work/rules" | sort -u >"$work/reached"
    grep -E "$foreign" "$work/reached" | grep -vE "(^|/)($2)\.h\$" >"$work/bad"
    grep -F " $FLUME_SOURCE_DIR/" "$work/reached" |
        grep -vE " $FLUME_SOURCE_DIR/(include/flume|$folder(/[a-z]+)?)/[^/]*\$" >>"$work/bad"
    while read -r source header; do
        fail "${source#"$FLUME_SOURCE_DIR/"}: reaches $header"
    done <"$work/bad"
    compiled=$((compiled + $(cut -d ' ' -f 1 "$work/reached" | uniq | wc -l)))
    bad=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*\.\./' \
        "$FLUME_SOURCE_DIR/$folder" --include='*.[ch]' 2>/dev/null)
    [ -z "$bad" ] || fail "an include that climbs out of its folder: $bad"
}

# allowed_symbols OBJECT: what this object may use although others may not.
allowed_symbols() {
    case $1 in
    # The default allocator of a handle; what is large it maps, to give it back.
    memory) echo malloc calloc realloc free mmap mremap munmap ;;
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

# objects_of FOLDER: its objects. What was removed from the folder may still lie in the build
# directory.
objects_of() {
    case $1 in log) target=flume_objects ;; *) target=flume_$1 ;; esac
    directory=$FLUME_BUILD_DIR/CMakeFiles/$target.dir
    (cd "$directory" && find "$1" -name '*.c.o') | sort | while read -r object; do
        [ -e "$FLUME_SOURCE_DIR/${object%.o}" ] && echo "$directory/$object"
    done
}

# symbols_of FOLDER: what its objects need from elsewhere, as lines "FILE SYMBOL". 64-bit and
# fortified spellings of a function count as the function.
symbols_of() {
    nm -u -A $(objects_of "$1") | sed "s|^.*/\($1/[^:]*\)\.o: *U |\1 |; s/@.*//" |
        sed 's/ __\(.*\)_chk$/ \1/; s/64$//; s/ __isoc99_/ /' | sort -u
}

# check_symbols FOLDER FORBIDDEN: what its objects need against the lists.
check_symbols() {
    symbols_of "$1" >"$work/used"
    echo "$2" | tr -s ' \n' '\n\n' | awk 'NR == FNR { forbidden[$1]; next }
        $2 in forbidden' - "$work/used" >"$work/forbidden"
    while read -r file symbol; do
        object=$(basename "$file" .c)
        case $1/$object in log/io_posix | log/io_memory) continue ;; esac
        [ "$1" != log ] ||
            case " $(allowed_symbols "$object") " in *" $symbol "*) continue ;; esac
        fail "$file: calls $symbol; only the io table, the allocator and the program may"
    done <"$work/forbidden"
    inspected=$((inspected + $(cut -d ' ' -f 1 "$work/used" | uniq | wc -l)))
}

# check_strangers USER OWNER ALLOWED: of the names that OWNER's objects define, USER's need only those
# that match ALLOWED.
check_strangers() {
    nm --defined-only --extern-only $(objects_of "$2") | awk 'NF == 3 { print $3 }' >"$work/owned"
    nm -u -A $(objects_of "$1") | awk 'NR == FNR { owned[$1]; next } $NF in owned' "$work/owned" - |
        awk '{ print $1, $NF }' | grep -vE " ($3)" >"$work/bad"
    while read -r object symbol; do
        fail "$object needs $symbol from $2/"
    done <"$work/bad"
}

compiled=0
inspected=0
check_folder log 'xxhash|xxh3|xxh_x86dispatch|zstd|zstd_errors|zdict|blake3|erasure_code|gf_vect_mul'
check_folder views 'lmdb|jansson|jansson_config|blake3|xxhash|zstd|zstd_errors'
check_folder repl 'jansson|jansson_config|histedit'
for folder in log views; do
    [ -n "$(objects_of $folder)" ] || fail "no objects of $folder/ in $FLUME_BUILD_DIR"
done
check_symbols log "$forbidden"
check_symbols views "$forbidden_in_views"
check_strangers views log 'flume_'
check_strangers log views '$'

echo "$compiled files read, $inspected objects inspected, $failures failures"
[ "$compiled" -gt 0 ] && [ "$inspected" -gt 0 ] && [ "$failures" -eq 0 ]
