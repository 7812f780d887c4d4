import { configKeys } from '@ict/template';
import type { Command, Option } from 'commander';
import type { CompletionKind } from '../authoring-commands.js';
import type { Shell } from '../tool-commands.js';
import type { Session } from '../session.js';

/** What a shell needs to know of one command. */
export interface CompletionCommand {
  /** `build`, `config show`; empty for `ict` itself. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly description: string;
    readonly values: readonly string[];
    /** Whether a value must follow, of whatever kind. */
    readonly takesValue: boolean;
    readonly takesFile: boolean;
    /** What `ict complete` lists for its value. */
    readonly asks: CompletionKind | undefined;
  }[];
  /** Words that may come next: names of commands, or choices of an argument. */
  readonly words: readonly string[];
  readonly takesFile: boolean;
  /** What `ict complete` lists for its argument. */
  readonly asks: CompletionKind | undefined;
  /** What it lists for a package of the template that the first argument names. */
  readonly asksOfTemplate: CompletionKind | undefined;
}

/** `ict completion`: prints a script that completes commands, flags, their values and files. */
export async function completion(session: Session, shell: Shell, program: Command): Promise<void> {
  const script = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](describeCommands(program));
  session.document({ shell, script });
  session.result(script);
}

/** The command tree as data, parents first. */
export function describeCommands(program: Command): readonly CompletionCommand[] {
  const shared = program.options.map(describeOption);
  const visit = (command: Command, path: string): CompletionCommand[] => {
    const [argument] = command.registeredArguments;
    const choices = argument === undefined ? [] : (argument.argChoices ?? listed[argument.name()]?.() ?? []);
    const own: CompletionCommand = {
      path,
      description: command.description(),
      options: [...(command === program ? [] : command.options.map(describeOption)), ...shared, help],
      words: [...visible(command).map((child) => child.name()), ...choices],
      takesFile: command.registeredArguments.some((one) => (one.argChoices ?? []).length === 0 && !WORDS.includes(one.name())),
      asks: argument === undefined ? undefined : asked[argument.name()],
      asksOfTemplate: command.registeredArguments.some((one) => PACKAGES.includes(one.name()))
        ? LOCKED.includes(path)
          ? 'locked-packages'
          : 'packages'
        : undefined,
    };
    return [own, ...visible(command).flatMap((child) => visit(child, `${path} ${child.name()}`.trim()))];
  };
  return visit(program, '');
}

/** Placeholders of arguments and flags whose values `ict complete` knows. */
const asked: Readonly<Partial<Record<string, CompletionKind>>> = {
  distribution: 'distributions',
  id: 'kept-images',
  image: 'images',
  names: 'packages',
  word: 'templates',
};

/** Placeholders of arguments whose values are known here. */
const listed: Readonly<Partial<Record<string, () => readonly string[]>>> = { key: () => [...configKeys.keys()] };

/** Placeholders of arguments that are no files. */
const WORDS: readonly string[] = ['id', 'word', 'key', 'value', 'package'];

/** Placeholders of arguments that are packages of the template before them. */
const PACKAGES: readonly string[] = ['package', 'names'];

/** Commands that are asked only about what a lock has. */
const LOCKED: readonly string[] = ['why', 'lock'];

function visible(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.parent === command);
}

const help = {
  flags: ['-h', '--help'],
  description: 'display help for command',
  values: [],
  takesValue: false,
  takesFile: false,
  asks: undefined,
};

function describeOption(option: Option): CompletionCommand['options'][number] {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const values = option.argChoices ?? [];
  const [, placeholder = ''] = /<([a-z]+)(?:\.\.\.)?>/.exec(option.flags) ?? [];
  const takesFile = /^(?:file|dir)$/.test(placeholder);
  return { flags, description: option.description, values, takesValue: option.required, takesFile, asks: asked[placeholder] };
}

/** Flags whose value is a file, which is not the template of the command line. */
function fileFlags(commands: readonly CompletionCommand[]): readonly string[] {
  const options = commands.flatMap((command) => command.options).filter(({ takesFile }) => takesFile);
  return [...new Set(options.flatMap(({ flags }) => flags))];
}

function bashScript(commands: readonly CompletionCommand[]): string {
  const cases = commands.map(({ path, options, words, takesFile, asks, asksOfTemplate }) => {
    const flags = options.flatMap((option) => option.flags).join(' ');
    return `    ${quote(path)}) words=${quote([...words, flags].join(' '))} files=${takesFile ? 1 : 0} kind=${asks ?? ''} packages=${asksOfTemplate ?? ''} ;;`;
  });
  return `# bash completion for ict; load it with: source <(ict completion bash)
_ict_about() {
  local word before=
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    if [[ $word = '=' ]]; then continue; fi
    case $before in
      --target) printf '%s' "$word"; return ;;
      ${fileFlags(commands).join('|')}) ;;
      *) if [[ $word = *.y*ml && -f $word ]]; then printf '%s' "$word"; return; fi ;;
    esac
    before=$word
  done
}
_ict_ask() {
  local word
  while IFS= read -r word; do
    if [[ $word = "$2"* ]]; then COMPREPLY+=("$word"); fi
  done < <(ict complete "$1" "$2" "$(_ict_about)" 2>/dev/null)
}
_ict_files() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$1")
}
_ict() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word words files kind packages
  if [[ $previous = '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $current = '=' ]]; then current=; fi
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    case "$command $word" in
${commands
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ${quote(path.includes(' ') ? path : ` ${path}`)}) command=${quote(path)} ;;`)
  .join('\n')}
    esac
  done
  case "$command $previous" in
${bashValues(commands)
  .map(([action, places]) => `    ${places.join('|')}) ${action}; return ;;`)
  .join('\n')}
  esac
  case $command in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -n $packages && $current != -* && -n $(_ict_about) ]]; then _ict_ask "$packages" "$current"; files=0; fi
  if [[ -n $kind && $current != -* ]]; then _ict_ask "$kind" "$current"; fi
  if [[ $files = 1 && $current != -* ]]; then _ict_files "$current"; fi
}
complete -o filenames -F _ict ict image-composer image-composer-tool
`;
}

/**
 * What offers the values of flags, each with the patterns of `command flag` that it is for. The same flag may take other values at another
 * command; where all commands agree, one pattern stands for them.
 */
function bashValues(commands: readonly CompletionCommand[]): readonly (readonly [action: string, places: readonly string[]])[] {
  const options = commands.flatMap(({ path, options: own }) =>
    own.flatMap((option) => option.flags.map((flag) => ({ path, flag, action: bashAction(option) }))),
  );
  const actionsOf = Map.groupBy(options, ({ flag }) => flag);
  const placed = options.flatMap(({ path, flag, action }) => {
    if (action === undefined) return [];
    const agreed = actionsOf.get(flag)?.every((other) => other.action === action) === true;
    return [{ action, place: agreed ? `*' ${flag}'` : quote(`${path} ${flag}`) }];
  });
  return [...Map.groupBy(placed, ({ action }) => action)].map(([action, items]) => [action, [...new Set(items.map(({ place }) => place))]]);
}

function bashAction({ values, asks, takesFile, takesValue }: CompletionCommand['options'][number]): string | undefined {
  if (values.length > 0) return `COMPREPLY=($(compgen -W ${quote(values.join(' '))} -- "$current"))`;
  if (asks !== undefined) return `_ict_ask ${asks} "$current"`;
  if (takesFile) return '_ict_files "$current"';
  return takesValue ? 'COMPREPLY=()' : undefined;
}

function zshScript(commands: readonly CompletionCommand[]): string {
  const script = bashScript(commands).split('\n').slice(1).join('\n');
  return `#compdef ict image-composer image-composer-tool
# zsh completion for ict; load it with: source <(ict completion zsh)
autoload -U +X bashcompinit && bashcompinit
${script}`;
}

/** The template or target that a fish command line names, and what ict knows of it. */
function fishAsk(commands: readonly CompletionCommand[]): readonly string[] {
  return [
    'function __ict_about',
    '  set -l before ""',
    '  for word in (commandline -opc)[2..-1]',
    '    if test "$before" = --target',
    '      echo $word; return',
    '    end',
    `    if not contains -- "$before" ${fileFlags(commands).join(' ')}; and string match -qr "\\\\.ya?ml\\$" -- $word`,
    '      echo $word; return',
    '    end',
    '    set before $word',
    '  end',
    '  echo ""',
    'end',
    'function __ict_ask',
    '  ict complete $argv[1] (commandline -ct) (__ict_about) 2>/dev/null',
    'end',
  ];
}

/** Says which command a fish command line has come to. */
function fishCommand(commands: readonly CompletionCommand[]): readonly string[] {
  const cases = commands.flatMap(({ path }) => (path === '' ? [] : [quote(path.includes(' ') ? path : ` ${path}`)]));
  return [
    'function __ict_command',
    '  set -l command',
    '  for word in (commandline -opc)[2..-1]',
    '    switch "$command $word"',
    `      case ${cases.join(' ')}`,
    '        set -a command $word',
    '    end',
    '  end',
    '  echo "$command"',
    'end',
  ];
}

function fishScript(commands: readonly CompletionCommand[]): string {
  const lines = [
    '# fish completion for ict; load it with: ict completion fish | source',
    ...fishAsk(commands),
    ...fishCommand(commands),
    'complete -c ict -f',
    'complete -c image-composer -w ict',
    'complete -c image-composer-tool -w ict',
  ];
  for (const command of commands) {
    const condition = `test (__ict_command) = '${command.path}'`;
    for (const word of command.words) {
      const child = commands.find(({ path }) => path === `${command.path} ${word}`.trim());
      lines.push(`complete -c ict -n ${quote(condition)} -a ${quote(word)}${child === undefined ? '' : ` -d ${quote(child.description)}`}`);
    }
    if (command.asks !== undefined) lines.push(`complete -c ict -n ${quote(condition)} -a ${quote(`(__ict_ask ${command.asks})`)}`);
    if (command.asksOfTemplate !== undefined)
      lines.push(
        `complete -c ict -n ${quote(`${condition}; and test -n (__ict_about)`)} -a ${quote(`(__ict_ask ${command.asksOfTemplate})`)}`,
      );
    if (command.takesFile) lines.push(`complete -c ict -n ${quote(condition)} -F`);
    for (const option of command.options) lines.push(fishOption(condition, option));
  }
  return `${lines.join('\n')}\n`;
}

function fishOption(condition: string, option: CompletionCommand['options'][number]): string {
  const names = option.flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  const argument =
    option.values.length > 0
      ? ` -x -a ${quote(option.values.join(' '))}`
      : option.asks !== undefined
        ? ` -x -a ${quote(`(__ict_ask ${option.asks})`)}`
        : option.takesFile
          ? ' -r -F'
          : option.takesValue
            ? ' -x'
            : '';
  return `complete -c ict -n ${quote(condition)} ${names}${argument} -d ${quote(option.description)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
