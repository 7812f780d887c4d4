import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildEvent, Digest, EventBody } from '@ict/plugin-api';
import type { BuildReport, Engine, EngineOptions, Plan, PlannedPackage } from '@ict/core';
import { templateSchema } from '@ict/template';
import { onTestFinished } from 'vitest';
import type { CliHost } from '../src/main.js';
import { runCli } from '../src/main.js';
import type { EndingSignal } from '../src/exit-status.js';
import type { Prompter } from '../src/prompt.js';
import type { OutputStream, Terminal } from '../src/views/terminal.js';
import { createTerminal } from '../src/views/terminal.js';

/** A stream that keeps what is written. */
export class Recorder implements OutputStream {
  text = '';
  isTTY: boolean;
  columns: number;
  readonly writes: string[] = [];

  constructor(isTTY = false, columns = 80) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    this.writes.push(text);
    return true;
  }

  get lines(): readonly string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}

/** Flags of a build that a test scripts: it touches no work directory of this machine. */
export const work = ['--work-dir', '/nonexistent/work'];

/** A directory that is gone when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ict-cli-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

export const digest = `sha256:${'0'.repeat(64)}` as Digest;

/** An event as the engine stamps it, at a time of its own. */
export function event(body: EventBody, atMs = 0): BuildEvent {
  return { ...body, v: 1, time: new Date(Date.UTC(2026, 0, 1) + atMs).toISOString(), build: 'test' };
}

export function terminal(options: { tty?: boolean; columns?: number; json?: boolean; level?: Terminal['level'] } = {}): {
  readonly terminal: Terminal;
  readonly stdout: Recorder;
  readonly stderr: Recorder;
} {
  const stdout = new Recorder(false, options.columns);
  const stderr = new Recorder(options.tty, options.columns);
  const made = createTerminal(stdout, stderr, { json: options.json === true, color: false, level: options.level ?? 'info', env: {} });
  return { terminal: made, stdout, stderr };
}

export const report: BuildReport = {
  target: 'acme-acme1-x86_64',
  directory: '/out',
  artifacts: [{ path: '/out/small image-1.raw', type: 'raw', sizeBytes: 4 * 1024 ** 3, allocatedBytes: 300 * 1024 ** 2, digest }],
  documents: ['/out/small.spdx.json'],
  stages: [
    { stage: 'validate', durationMs: 200 },
    { stage: 'packages', durationMs: 8100 },
  ],
  steps: [
    { type: 'acme.base', key: 'a', hit: true, reason: '', durationMs: 3 },
    { type: 'acme.install', key: 'b', hit: false, reason: 'packages changed', durationMs: 7900 },
  ],
  warnings: [],
  lock: '/out/small.lock.yml',
};

function plannedPackage(of: Pick<PlannedPackage, 'name' | 'version' | 'requestedBy'> & Partial<PlannedPackage>): PlannedPackage {
  return { arch: 'x86_64', repository: 'acme', digest, sizeBytes: 2048, part: 'image', cached: false, ...of };
}

export const plan: Plan = {
  schemaVersion: 1,
  target: 'acme-acme1-x86_64',
  repositories: [
    {
      id: 'acme',
      archive: 'http://mirror.example/acme',
      suite: 'one',
      components: ['main'],
      root: digest,
      date: '2026-01-01T00:00:00.000Z',
      signers: ['AB'],
    },
  ],
  packages: [
    plannedPackage({ name: 'jq', version: '1.7', requestedBy: ['template'] }),
    plannedPackage({ name: 'dosfstools', version: '4.2', requestedBy: ['tools'], part: 'tools', cached: true }),
  ],
  steps: [
    { type: 'ict.image', key: 'a', hit: false, reason: 'packages changed' },
    { type: 'acme.base', key: 'b', hit: true, reason: '' },
    { type: 'acme.install', key: 'c', hit: false, reason: 'packages changed', install: { way: 'delta', reason: 'add jq' } },
    { type: 'acme.disk', hit: false, reason: 'depends on what acme.install makes', waitsFor: 'acme.install' },
  ],
  fetchBytes: 2048,
};

/** An engine that does what a test says. */
export interface Script {
  readonly engine?: Partial<Engine>;
  /** Runs when the engine is opened. */
  readonly opened?: (options: EngineOptions) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** What standard input holds. */
  readonly input?: string;
  readonly tty?: boolean;
  readonly uid?: number;
  readonly prompter?: Prompter;
  /** Tells of what ends the process from aside. */
  readonly accidents?: EventEmitter;
  /** Called when the process is ended at once. */
  readonly exit?: (status: number) => void;
  readonly runProgram?: (argv: readonly string[]) => Promise<number>;
}

export interface Run {
  readonly status: number;
  readonly stdout: Recorder;
  readonly stderr: Recorder;
  readonly options: EngineOptions | undefined;
  readonly closed: number;
}

/** Signals that a test sends itself. */
export class Signals {
  private readonly listeners = new Map<EndingSignal, () => void>();

  on(signal: EndingSignal, listener: () => void): void {
    this.listeners.set(signal, listener);
  }

  off(signal: EndingSignal): void {
    this.listeners.delete(signal);
  }

  send(signal: EndingSignal): void {
    this.listeners.get(signal)?.();
  }

  get count(): number {
    return this.listeners.size;
  }
}

/** Runs the command line against a scripted engine, in an empty directory without configuration. */
export async function ict(argv: readonly string[], script: Script = {}, signals = new Signals()): Promise<Run> {
  const stdout = new Recorder(script.tty);
  const stderr = new Recorder(script.tty);
  let options: EngineOptions | undefined;
  let closed = 0;
  const unexpected = async (): Promise<never> => {
    throw new Error('the test did not expect this call');
  };
  const engine: Engine = {
    templateSchema: () => templateSchema,
    distributions: () => [],
    validate: unexpected,
    lintCache: unexpected,
    resolve: unexpected,
    plan: unexpected,
    explain: unexpected,
    planPackages: unexpected,
    why: unexpected,
    whyNot: unexpected,
    search: unexpected,
    packageNames: unexpected,
    show: unexpected,
    graph: unexpected,
    lock: unexpected,
    build: unexpected,
    warm: unexpected,
    checkTwin: unexpected,
    ...script.engine,
    close: async () => {
      closed += 1;
    },
  };
  const host: CliHost = {
    stdout,
    stderr,
    surroundings: {
      env: script.env ?? {},
      cwd: script.cwd ?? '/nonexistent',
      home: '/nonexistent',
      uid: script.uid ?? 1000,
      code: 'modules',
      prompter: async () => script.prompter,
      readInput: async () => script.input ?? '',
      openEngine: async (given) => {
        options = given;
        script.opened?.(given);
        return engine;
      },
      runProgram: script.runProgram ?? unexpected,
    },
    signals,
    idle: process,
    accidents: script.accidents ?? new EventEmitter(),
    exit: (ended) => script.exit?.(ended),
  };
  const status = await runCli(argv, host);
  return { status, stdout, stderr, options, closed };
}
