# FlumeStampGit.cmake - from which git commit a program was built, for its recorder.
#
#   find_package(flume REQUIRED)
#   add_executable(simulate simulate.c)
#   target_link_libraries(simulate PRIVATE flume::flume)
#   flume_stamp_git(simulate)
#
# and in simulate.c:
#
#   #include "flume_git.h"
#   flume_recorder_options options = {.git_commit = FLUME_GIT_COMMIT, .git_dirty = FLUME_GIT_DIRTY};
#
# FLUME_GIT_COMMIT is the commit that is checked out (40 or 64 hexadecimal digits), FLUME_GIT_DIRTY whether a
# file that git tracks differs from it. Without git, or outside of a repository, they are "" and false: a
# recorder takes that for unknown. Both are looked up at each build; what includes the header is compiled
# again only when they have changed.
#
# With cmake -P this file is what looks them up: GIT, SOURCE and HEADER are given then.

# flume_stamp_git(TARGET [DIRECTORY]): of the repository in which DIRECTORY lies, else the current source
# directory.
function(flume_stamp_git target)
    set(source "${CMAKE_CURRENT_SOURCE_DIR}")
    if(ARGC GREATER 1)
        get_filename_component(source "${ARGV1}" ABSOLUTE)
    endif()
    if(NOT TARGET "${target}")
        message(FATAL_ERROR "flume_stamp_git: there is no target ${target}")
    endif()
    find_package(Git QUIET)
    set(directory "${CMAKE_CURRENT_BINARY_DIR}/flume_git/${target}")
    add_custom_target("${target}_flume_git"
        COMMAND "${CMAKE_COMMAND}" "-DGIT=${GIT_EXECUTABLE}" "-DSOURCE=${source}"
                "-DHEADER=${directory}/flume_git.h" -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
        BYPRODUCTS "${directory}/flume_git.h"
        COMMENT "Looking up the git commit of ${target}"
        VERBATIM)
    add_dependencies("${target}" "${target}_flume_git")
    target_include_directories("${target}" PRIVATE "${directory}")
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    return()
endif()

# What git prints, or nothing where it cannot tell.
function(flume_ask_git out)
    set(said "")
    if(GIT)
        execute_process(COMMAND "${GIT}" -C "${SOURCE}" ${ARGN} OUTPUT_VARIABLE said
                        RESULT_VARIABLE result ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(NOT result EQUAL 0)
            set(said "")
        endif()
    endif()
    set(${out} "${said}" PARENT_SCOPE)
endfunction()

flume_ask_git(commit rev-parse --verify HEAD)
flume_ask_git(changes status --porcelain --untracked-files=no)
if(NOT commit MATCHES "^[0-9a-f]+$")
    set(commit "")
    set(changes "")
endif()
if(changes STREQUAL "")
    set(dirty false)
else()
    set(dirty true)
endif()
set(text "/* From which commit this was built; made at each build. */
#ifndef FLUME_GIT_H
#define FLUME_GIT_H

#include <stdbool.h>

#define FLUME_GIT_COMMIT \"${commit}\"
#define FLUME_GIT_DIRTY ${dirty}

#endif
")
set(before "")
if(EXISTS "${HEADER}")
    file(READ "${HEADER}" before)
endif()
if(NOT before STREQUAL text)
    file(WRITE "${HEADER}" "${text}")
endif()
