import { configKeys, type SettingSchema } from '@ict/template';
import type { Command, Option } from 'commander';
import type { CompletionKind, Shell } from '../tool-commands.js';
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
    /** How many words behind it may be its values. */
    readonly mayTakeValues: number;
    readonly takesFile: boolean;
    /** What `ict complete` lists for its value. */
    readonly asks: CompletionKind | undefined;
  }[];
  /** What may stand where, flags aside: names of commands, or values of arguments. */
  readonly places: readonly CompletionPlace[];
}

/** A place on the command line behind the name of a command. */
interface CompletionPlace {
  /** How many arguments stand before it, at least. */
  readonly first: number;
  /** The same, at most. */
  readonly last: number;
  /** The first argument, where what may follow depends on it. */
  readonly behind?: string;
  readonly words: readonly string[];
  readonly takesFile: boolean;
  /** What `ict complete` lists for it. */
  readonly asks: CompletionKind | undefined;
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
    const children = visible(command);
    const own: CompletionCommand = {
      path,
      description: command.description(),
      options: [...(command === program ? [] : command.options.map(describeOption)), ...shared, help],
      places:
        children.length === 0 ? placesOf(command, path) : [{ ...NOTHING, first: 0, last: 0, words: children.map((child) => child.name()) }],
    };
    return [own, ...children.flatMap((child) => visit(child, `${path} ${child.name()}`.trim()))];
  };
  return visit(program, '');
}

const NOTHING = { words: [], takesFile: false, asks: undefined };

function placesOf(command: Command, path: string): readonly CompletionPlace[] {
  return command.registeredArguments.flatMap((argument, index): CompletionPlace[] => {
    const place = { ...NOTHING, first: index, last: argument.variadic ? Infinity : index };
    if (argument.name() === 'key') return [{ ...place, words: [...configKeys.keys()] }];
    if (argument.name() === 'value') return [...configKeys].map(([key, setting]) => ({ ...place, behind: key, ...settingValues(setting) }));
    const words = argument.argChoices ?? [];
    const asks = askedOfArguments[`${path} ${argument.name()}`];
    return [{ ...place, words, asks, takesFile: words.length === 0 && !WORDS.includes(argument.name()) }];
  });
}

/** What a setting may be set to: a text that is none of a few is a path, or the name of a plugin. */
function settingValues({ type, enum: words }: SettingSchema): Pick<CompletionPlace, 'words' | 'takesFile'> {
  if (type === 'boolean') return { words: ['true', 'false'], takesFile: false };
  return { words: words ?? [], takesFile: words === undefined && (type === 'string' || type === 'array') };
}

/** Placeholders of flags whose values `ict complete` knows. */
const askedOfPlaceholders: Readonly<Partial<Record<string, CompletionKind>>> = { distribution: 'distributions', names: 'packages' };

/** Arguments that it knows, by command and placeholder. Commands that are asked only about what a lock has get its packages. */
const askedOfArguments: Readonly<Partial<Record<string, CompletionKind>>> = {
  'boot image': 'images',
  'cache export id': 'kept-images',
  'cache info id': 'kept-images',
  'compare image': 'images',
  'compare other': 'images',
  'inspect image': 'images',
  'lock names': 'locked-packages',
  'show package': 'packages',
  'templates word': 'templates',
  'why package': 'locked-packages',
  'why-not package': 'packages',
};

/** Placeholders of arguments that are no files. */
const WORDS: readonly string[] = ['id', 'names', 'package', 'word'];

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
  mayTakeValues: 0,
  takesFile: false,
  asks: undefined,
};

function describeOption(option: Option): CompletionCommand['options'][number] {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const values = option.argChoices ?? [];
  const [, placeholder = ''] = /<([a-z]+)(?:\.\.\.)?>/.exec(option.flags) ?? [];
  const takesFile = /^(?:file|dir)$/.test(placeholder);
  const mayTakeValues = option.variadic ? Infinity : option.isBoolean() || option.negate ? 0 : 1;
  return {
    flags,
    description: option.description,
    values,
    takesValue: option.required,
    mayTakeValues,
    takesFile,
    asks: askedOfPlaceholders[placeholder],
  };
}

/** Flags whose value is a file, which is not the template of the command line. */
function fileFlags(commands: readonly CompletionCommand[]): readonly string[] {
  const options = commands.flatMap((command) => command.options).filter(({ takesFile }) => takesFile);
  return [...new Set(options.flatMap(({ flags }) => flags))];
}

function bashScript(commands: readonly CompletionCommand[]): string {
  const flags = commands.map(
    ({ path, options }) => `    ${quote(path)}) flags=${quote(options.flatMap((option) => option.flags).join(' '))} ;;`,
  );
  const places = commands.flatMap((command) =>
    command.places.map(
      (place) =>
        `    ${bashPlace(command.path, place)}) words=${quote(place.words.join(' '))} files=${place.takesFile ? 1 : 0} kind=${place.asks ?? ''} ;;`,
    ),
  );
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
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= index=0 first= before= word flags words= files=0 kind=
  if [[ $previous = '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $current = '=' ]]; then current=; fi
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    if [[ $word = '=' ]]; then continue; fi
    if [[ $word != -* ]]; then
      case "$command $before" in
${bashFlags(commands, values('before=; continue', 'continue'), '        ')}
      esac
    fi
    before=$word
    case "$command $word" in
${commands
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ${quote(path.includes(' ') ? path : ` ${path}`)}) command=${quote(path)} ;;`)
  .join('\n')}
      *)
        if [[ $word = - || $word != -* ]]; then
          if [[ $index = 0 ]]; then first=$word; fi
          index=$((index+1))
        fi ;;
    esac
  done
  case "$command $previous" in
${bashFlags(commands, (option) => bashAction(option), '    ')}
  esac
  case $command in
${flags.join('\n')}
  esac
  case "$command $index $first" in
${places.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words $flags" -- "$current"))
  if [[ -n $kind && $current != -* ]]; then _ict_ask "$kind" "$current"; fi
  if [[ $files = 1 && $current != -* ]]; then _ict_files "$current"; fi
}
complete -o filenames -F _ict ict image-composer image-composer-tool
`;
}

/** The pattern of a place, as a command line says it: command, number of arguments before it, and the first of these. */
function bashPlace(path: string, { first, last, behind }: CompletionPlace): string {
  const index = first === last ? String(first) : `[${first}-9]*`;
  return `${quote(`${path} `)}${index}${behind === undefined ? "' '*" : quote(` ${behind}`)}`;
}

type ActionOf = (option: CompletionCommand['options'][number]) => string | undefined;

/** Cases of bash for `command flag`, at which an action is due. */
function bashFlags(commands: readonly CompletionCommand[], actionOf: ActionOf, indent: string): string {
  return flagPlaces(commands, actionOf)
    .map(([action, places]) => {
      const patterns = places.map(([path, flag]) => (path === ANY ? `*${quote(` ${flag}`)}` : quote(`${path} ${flag}`)));
      return `${indent}${patterns.join('|')}) ${action} ;;`;
    })
    .join('\n');
}

/** What to do about words behind a flag that may be its value, or its values: they are no arguments. */
function values(one: string, many: string): ActionOf {
  return ({ mayTakeValues }) => (mayTakeValues === 0 ? undefined : mayTakeValues === 1 ? one : many);
}

/** The command of a flag that means the same at all of them. */
const ANY = '*';

/**
 * Actions that are due behind flags, each with the commands and flags that it is for. The same flag may take other values at another command; where
 * all commands agree, {@link ANY} stands for them.
 */
function flagPlaces(
  commands: readonly CompletionCommand[],
  actionOf: ActionOf,
): readonly (readonly [action: string, places: readonly (readonly [path: string, flag: string])[]])[] {
  const options = commands.flatMap(({ path, options: own }) =>
    own.flatMap((option) => option.flags.map((flag) => ({ path, flag, action: actionOf(option) }))),
  );
  const actionsOf = Map.groupBy(options, ({ flag }) => flag);
  const placed = new Map<string, { readonly action: string; readonly place: readonly [string, string] }>();
  for (const { path, flag, action } of options) {
    if (action === undefined) continue;
    const agreed = actionsOf.get(flag)?.every((other) => other.action === action) === true;
    placed.set(`${agreed ? ANY : path} ${flag}`, { action, place: [agreed ? ANY : path, flag] });
  }
  return [...Map.groupBy(placed.values(), ({ action }) => action)].map(([action, items]) => [action, items.map(({ place }) => place)]);
}

function bashAction({ values, asks, takesFile, takesValue }: CompletionCommand['options'][number]): string | undefined {
  if (values.length > 0) return `COMPREPLY=($(compgen -W ${quote(values.join(' '))} -- "$current")); return`;
  if (asks !== undefined) return `_ict_ask ${asks} "$current"; return`;
  if (takesFile) return '_ict_files "$current"; return';
  return takesValue ? 'COMPREPLY=(); return' : undefined;
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

/** Says where a fish command line has come to: at which command, behind how many arguments, and behind which first one. */
function fishPlace(commands: readonly CompletionCommand[]): readonly string[] {
  const names = commands.flatMap(({ path }) => (path === '' ? [] : [quote(path.includes(' ') ? path : ` ${path}`)]));
  const valued = flagPlaces(commands, values('set before ""; continue', 'continue'));
  return [
    'function __ict_place',
    '  set -l command',
    '  set -l index 0',
    '  set -l first ""',
    '  set -l before ""',
    '  for word in (commandline -opc)[2..-1]',
    '    if not string match -q -- "-*" $word',
    '      switch "$command $before"',
    ...valued.flatMap(([action, places]) => [
      `        case ${places.map(([path, flag]) => quote(`${path} ${flag}`)).join(' ')}`,
      `          ${action}`,
    ]),
    '      end',
    '    end',
    '    set before $word',
    '    switch "$command $word"',
    `      case ${names.join(' ')}`,
    '        set -a command $word',
    '      case "*"',
    '        if test "$word" = -; or not string match -q -- "-*" $word',
    '          test $index = 0; and set first $word',
    '          set index (math $index + 1)',
    '        end',
    '    end',
    '  end',
    '  printf "%s\\n" "$command" $index "$first"',
    'end',
    'function __ict_at',
    '  set -l place (__ict_place)',
    '  test "$place[1]" = "$argv[1]"; or return 1',
    '  test (count $argv) = 1; and return 0',
    '  test $place[2] -ge $argv[2] -a $place[2] -le $argv[3]; or return 1',
    '  test (count $argv) = 3 -o "$place[3]" = "$argv[4]"',
    'end',
  ];
}

/** More arguments than anybody gives. */
const FISH_MANY = 9999;

function fishScript(commands: readonly CompletionCommand[]): string {
  const lines = [
    '# fish completion for ict; load it with: ict completion fish | source',
    ...fishAsk(commands),
    ...fishPlace(commands),
    'complete -c ict -f',
    'complete -c image-composer -w ict',
    'complete -c image-composer-tool -w ict',
  ];
  for (const command of commands) {
    for (const { first, last, behind, words, asks, takesFile } of command.places) {
      const at = [quote(command.path), first, Math.min(last, FISH_MANY), ...(behind === undefined ? [] : [behind])].join(' ');
      const offer = (what: string): number => lines.push(`complete -c ict -n ${quote(`__ict_at ${at}`)} ${what}`);
      for (const word of words) {
        const child = commands.find(({ path }) => path === `${command.path} ${word}`.trim());
        offer(`-a ${quote(word)}${child === undefined ? '' : ` -d ${quote(child.description)}`}`);
      }
      if (asks !== undefined) offer(`-a ${quote(`(__ict_ask ${asks})`)}`);
      if (takesFile) offer('-F');
    }
    for (const option of command.options) lines.push(fishOption(`__ict_at ${quote(command.path)}`, option));
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
