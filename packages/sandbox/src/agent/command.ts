import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { errnoOf, temporaryName } from '@ict/integrity';
import { sandboxError } from '../errors.js';
import type { CommandsEnd } from '../protocol.js';
import { CommandOutput, type OnLines } from './command-output.js';
import { exitStatus, hostEnvironment } from './host-program.js';
import { COMMAND_MOUNTS } from './mounting.js';
import type { OutputPipePool, OutputPipes } from './output-pipes.js';

/**
 * What a command keeps of root's powers: the list that container engines grant by default. Without `sys_admin` it can neither
 * mount nor reach the host's root that lies below its own; devices it makes cannot be opened, since trees are mounted `nodev`.
 */
const CAPABILITIES = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'mknod',
  'net_bind_service',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
];

/**
 * Runs as pid 1 of namespaces of its own, in the root of the tree: the mounts of {@link COMMAND_MOUNTS}, which lie beside the root; the
 * tree moved over `/`, so that leaving a chroot leads back into it; then commands one after another, until one ends with a status that
 * is not accepted. The last takes the place of this shell. Before each a byte goes to descriptor 3. Arguments are the accepted statuses
 * between blanks, then each command with the number of its words before it; no value is ever part of this text, nor of what it evaluates.
 */
const ENTER = `set -eu
mount -n -i --all --fstab ../${COMMAND_MOUNTS}
mount -n -i --move . /
exec 4>&-
accepted=$1
shift
while :; do
  count=$1
  shift
  command=
  at=0
  while [ "$at" -lt "$count" ]; do
    at=$((at + 1))
    command="$command \\"\\\${$at}\\""
  done
  printf 1 >&3
  [ "$#" -gt "$count" ] || eval "exec 3>&- $command"
  status=0
  eval "$command 3>&-" || status=$?
  case $accepted in *" $status "*) shift "$count" ;; *) exit "$status" ;; esac
done`;

export interface CommandSpec {
  /** Commands that run one after another. Each gets of `stdin` what those before it left. */
  readonly argvs: readonly [Argv, ...Argv[]];
  /** Statuses of all but the last after which the next one runs. */
  readonly accept: readonly number[];
  readonly env: Readonly<Record<string, string>>;
  /** A directory of the tree, as the tree names it. */
  readonly cwd: string;
  readonly stdin?: string;
  /** Descriptor of the host's network namespace, when the command may use it. */
  readonly network?: number;
}

type Argv = readonly string[];

export interface CommandHooks {
  readonly signal: AbortSignal;
  readonly onLines?: OnLines;
}

/**
 * Runs commands in the tree whose root is mounted at `root`, in mount and pid namespaces of their own: when the last ends, or the
 * signal aborts, the kernel ends every process that they left behind.
 *
 * @throws `ICT_SANDBOX_COMMAND` for an argv or environment that cannot be passed; `ICT_SANDBOX_MOUNT` when the kernel refuses
 *   the namespaces; the signal's reason. A failing command is a result, not an error.
 */
export async function runCommands(root: string, spec: CommandSpec, pool: OutputPipePool, hooks: CommandHooks): Promise<CommandsEnd> {
  hooks.signal.throwIfAborted();
  const argv = [
    ...(spec.network === undefined ? [] : ['nsenter', '--net=/proc/self/fd/4', '--']),
    ...['unshare', '--mount', '--propagation', 'unchanged', '--pid', '--fork', '--kill-child=KILL', '--'],
    ...['sh', '-c', ENTER, 'ict', ` ${spec.accept.join(' ')} `],
    ...spec.argvs.map((argv) => inTree(argv, spec)).flatMap((words) => [String(words.length), ...words]),
  ];
  const pipes = await pool.take();
  const output = new CommandOutput(pipes.readers, hooks.onLines);
  try {
    const child = start(argv, root, spec, pipes);
    child.once('exit', () => output.hurry());
    const [, , , entered] = child.stdio as unknown as readonly Readable[];
    let begun = 0;
    entered?.on('data', (bytes: Buffer) => (begun += bytes.length));
    const stop = (): void => killCommand(child);
    hooks.signal.addEventListener('abort', stop, { once: true });
    if (hooks.signal.aborted) stop();
    const outcome = Promise.all([ending(child, spec), output.ended]);
    const [status, { stdout, stderr }] = await outcome.finally(() => hooks.signal.removeEventListener('abort', stop));
    hooks.signal.throwIfAborted();
    if (begun > 0) return { exitCode: status, stdout, stderr, begun };
    throw sandboxError('ICT_SANDBOX_MOUNT', {
      message: `The namespaces of a command could not be set up: ${stderr.trim() || `status ${status}`}`,
      hint: 'Run "ict doctor": it tries what the sandbox needs.',
      facts: { argv: spec.argvs[0].slice(0, 100), status },
    });
  } finally {
    output.close();
    pipes.release();
  }
}

/** The part of the argv that runs with the tree as its root: fewer powers, exactly the given environment, then the command. */
function inTree(argv: Argv, { env, cwd }: CommandSpec): string[] {
  if (argv.length === 0 || argv[0] === '') throw badCommand(argv, 'it names no program');
  if (argv.some((argument) => argument.includes('\0'))) throw badCommand(argv, 'an argument has a NUL byte');
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[^=\0-][^=\0]*$/.test(name) || value.includes('\0')) {
      throw badCommand(argv, `the environment variable ${JSON.stringify(name)} cannot be passed`);
    }
    return `${name}=${value}`;
  });
  // The tree's own env sets what a dynamic loader obeys: the host's programs must not load the tree's libraries.
  const forLoader = variables.filter((variable) => /^(LD_|GLIBC_TUNABLES=|GCONV_PATH=|MALLOC_)/.test(variable));
  if (forLoader.length > 0 && argv[0]?.includes('=') === true) throw badCommand(argv, 'the name of its program has a "="');
  return [
    ...['setpriv', `--bounding-set=-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}`, '--inh-caps=-all', '--'],
    ...['env', '-i', ...variables.filter((variable) => !forLoader.includes(variable))],
    ...['unshare', '--root=.', `--wd=${cwd}`, '--'],
    ...(forLoader.length > 0 ? ['/usr/bin/env', ...forLoader] : []),
    ...argv,
  ];
}

function badCommand(argv: readonly string[], reason: string): Error {
  return sandboxError('ICT_SANDBOX_COMMAND', {
    message: `The command ${JSON.stringify(argv.slice(0, 4))} cannot be run: ${reason}`,
    hint: 'Correct the argv or the environment of the command.',
    facts: { argv: argv.slice(0, 100), reason },
  });
}

function start(argv: readonly string[], root: string, spec: CommandSpec, pipes: OutputPipes): ChildProcess {
  const { stdout, stderr } = pipes.writers;
  let stdin: number | undefined;
  try {
    if (spec.stdin !== undefined) stdin = openInput(spec.stdin, dirname(root));
    return spawn(argv[0] as string, argv.slice(1), {
      cwd: root,
      env: hostEnvironment(),
      detached: true,
      stdio: [stdin ?? 'ignore', stdout, stderr, 'pipe', spec.network ?? 'ignore'],
    });
  } catch (error) {
    throw startFailure(error, spec);
  } finally {
    pipes.started();
    if (stdin !== undefined) closeSync(stdin);
  }
}

/** Too long an argv or environment is the caller's doing; anything else passes as it is. */
function startFailure(error: unknown, spec: CommandSpec): unknown {
  const tooLong = (error as NodeJS.ErrnoException).code === 'E2BIG';
  return tooLong ? badCommand(spec.argvs[0], 'its arguments and environment are too long') : error;
}

function ending(child: ChildProcess, spec: CommandSpec): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(startFailure(error, spec)));
    child.on('close', (code, signal) => resolve(exitStatus(code, signal)));
  });
}

/**
 * Opens the input of a command: a file, as Node would connect the command through a socket, which `/dev/stdin` cannot open. All may read it, as a
 * command that changed its user opens that too; it has no name any more.
 *
 * @param directory where nobody else looks.
 */
function openInput(text: string, directory: string): number {
  const file = join(directory, temporaryName());
  writeFileSync(file, text, { flag: 'wx', mode: 0o444 });
  try {
    return openSync(file, 'r');
  } finally {
    unlinkSync(file);
  }
}

/**
 * Ends unshare and the first process of the command's namespaces; the kernel ends the rest. That process may be in a session of its own, and after a
 * change of its user the kernel does not end it with unshare.
 */
function killCommand({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  for (const target of [...childrenOf(pid), -pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error; // it ended by itself in the meantime
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    return (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ESRCH') throw error;
    return []; // it has ended
  }
}
