/*
 * run_completion.c - `flume completion`: scripts that make a shell complete flume's command line.
 *
 * They hold no command and no option: all of that they ask of `flume __complete` (run_complete.c),
 * so they fit every version of the program. Files are completed by the shell itself, which knows
 * its own quoting best.
 */
#include <string.h>

#include "run.h"

static const char bash_script[] =
    "# Completion of flume for bash. Written by: flume completion bash\n"
    "_flume() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} raw= before= text quoted reply open= files=\n"
    "    line=${line#*\"$1\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r reply; do\n"
    "        case $reply in\n"
    "        $'\\topen') open=1 ;;\n"
    "        $'\\tfiles') files=1 ;;\n"
    "        # bash replaces only what is behind the last of its word breaks, such as : and =\n"
    "        $'\\tword\\t'*)\n"
    "            raw=${reply#$'\\tword\\t'}\n"
    "            before=${raw%\"$2\"}\n"
    "            case $raw in [\\'\\\"]*) before= ;; esac ;;\n"
    "        *)\n"
    "            text=${reply%%$'\\t'*}\n"
    "            case $raw in\n"
    "            [\\'\\\"]*) quoted=$text ;;\n"
    "            *) printf -v quoted %q \"$text\" ;;\n"
    "            esac\n"
    "            COMPREPLY+=(\"${quoted#\"$before\"}\") ;;\n"
    "        esac\n"
    "    done < <(\"${1/#\\~/$HOME}\" __complete line -- \"$line\" 2>/dev/null)\n"
    "    if [[ $files ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        while IFS= read -r reply; do\n"
    "            COMPREPLY+=(\"$reply\")\n"
    "        done < <(compgen -f -- \"$2\")\n"
    "    fi\n"
    "    if [[ $open ]]; then\n"
    "        compopt -o nospace 2>/dev/null\n"
    "    fi\n"
    "}\n"
    "complete -F _flume flume\n";

static const char zsh_script[] =
    "#compdef flume\n"
    "# Completion of flume for zsh. Written by: flume completion zsh\n"
    "_flume() {\n"
    "    local reply open files\n"
    "    local -a texts shown behind\n"
    "    for reply in \"${(@f)$(\"${(Q)words[1]/#\\~/$HOME}\" __complete words -- \\\n"
    "            \"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\" 2>/dev/null)}\"; do\n"
    "        case $reply in\n"
    "        '') ;;\n"
    "        $'\\topen') open=1 ;;\n"
    "        $'\\tfiles') files=1 ;;\n"
    "        *)\n"
    "            texts+=(\"${reply%%$'\\t'*}\")\n"
    "            shown+=(\"${reply/$'\\t'/  }\") ;;\n"
    "        esac\n"
    "    done\n"
    "    [[ -n $open ]] && behind=(-S '')\n"
    "    (( $#texts )) && compadd -l -d shown \"${behind[@]}\" -- \"${texts[@]}\"\n"
    "    [[ -n $files ]] && _files\n"
    "}\n"
    "if [[ $funcstack[1] == _flume ]]; then\n"
    "    _flume \"$@\"\n"
    "else\n"
    "    compdef _flume flume\n"
    "fi\n";

static const char fish_script[] =
    "# Completion of flume for fish. Written by: flume completion fish\n"
    "function __flume_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l typed (commandline -ct)\n"
    "    switch \"$typed\"\n"
    "        case '\"*' \"'*\"\n"
    "            set typed (string sub -s 2 -- $typed)\n"
    "        case '*'\n"
    "            set typed (string unescape -- $typed)\n"
    "    end\n"
    "    for reply in ($words[1] __complete words -- $words[2..-1] \"$typed\" 2>/dev/null)\n"
    "        if test \"$reply\" = \\tfiles\n"
    "            __fish_complete_path \"$typed\"\n"
    "        else if not string match -q -- \\t\\* \"$reply\"\n"
    "            echo $reply\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c flume -f -a '(__flume_complete)'\n";

int run_completion(struct session *session)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    const struct operand *operand = &session->invocation->operands[0];
    struct suggestion suggestion;
    const struct report_detail detail = {.place = {.token = operand->token},
                                         .suggestion = &suggestion};

    suggest_begin(&suggestion, "", operand->text, strlen(operand->text));
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        suggest_offer(&suggestion, scripts[i].shell);
        if (strcmp(operand->text, scripts[i].shell) != 0)
            continue;
        text_string(&session->line, scripts[i].script);
        (void)session_emit_text(session); /* A failure shows when stdout is flushed. */
        return CODE_OK;
    }
    return report_with(session, &detail, ERROR_NO_COMPLETION);
}
