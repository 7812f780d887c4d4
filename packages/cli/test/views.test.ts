import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventBody } from '@ict/plugin-api';
import { LiveView } from '../src/views/live-view.js';
import { PlainView } from '../src/views/plain-view.js';
import type { Terminal } from '../src/views/terminal.js';
import { createTerminal } from '../src/views/terminal.js';
import type { View } from '../src/views/view.js';
import { digest, event, terminal } from './fixture.js';
import { Screen } from './screen.js';

/** A whole build, small. */
const story: readonly EventBody[] = [
  { type: 'build.start', template: 'a.yml', target: 'acme-acme1-x86_64' },
  { type: 'stage.start', stage: 'validate' },
  {
    type: 'warning',
    code: 'ICT_TEMPLATE_NO_EFFECT',
    message: 'the key "x" has no effect',
    position: { file: 'a.yml', line: 3, column: 1 },
  },
  { type: 'stage.done', stage: 'validate', durationMs: 120 },
  { type: 'stage.start', stage: 'packages' },
  { type: 'resolve.done', packages: 3, downloadBytes: 300, fromLock: false },
  { type: 'package.cached', name: 'a', version: '1', check: 'signature' },
  { type: 'package.verified', name: 'a', version: '1', digest, from: 'cache' },
  { type: 'fetch.start', files: 2, totalBytes: 300 },
  { type: 'fetch.progress', url: 'http://mirror.example/b', receivedBytes: 50, totalBytes: 100 },
  { type: 'fetch.retry', url: 'http://mirror.example/b', attempt: 1, reason: 'connection reset' },
  { type: 'fetch.done', url: 'http://mirror.example/b', sizeBytes: 100, durationMs: 10 },
  { type: 'package.verified', name: 'b', version: '1', digest },
  { type: 'fetch.done', url: 'http://mirror.example/c', sizeBytes: 200, durationMs: 10 },
  { type: 'package.verified', name: 'c', version: '1', digest },
  { type: 'stage.done', stage: 'packages', durationMs: 2500 },
  { type: 'stage.start', stage: 'compose' },
  { type: 'step.hit', step: 'acme.base', key: 'k1' },
  { type: 'cache.audited', step: 'acme.base', equal: true },
  { type: 'step.miss', step: 'acme.install', key: 'k2', reason: 'packages changed' },
  { type: 'install.progress', phase: 'unpack', name: 'jq', done: 1, total: 3 },
  { type: 'command.start', command: ['/bin/sh', '-c', 'true'] },
  { type: 'command.output', stream: 'stdout', text: 'hello' },
  { type: 'stage.done', stage: 'compose', durationMs: 61_000 },
  { type: 'stage.start', stage: 'finalize' },
  { type: 'image.progress', artifact: 'a.raw', action: 'write' },
  { type: 'stage.done', stage: 'finalize', durationMs: 900 },
];

function tell(view: View, bodies: readonly EventBody[], stepMs = 1000): void {
  bodies.forEach((body, index) => view.event(event(body, index * stepMs)));
}

function screenTerminal(screen: Screen, level: Terminal['level'] = 'info'): Terminal {
  return createTerminal(screen, screen, { json: false, color: false, level, env: {} });
}

describe('LiveView', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([200, 80, 40, 20])('ends with one line a stage below the warnings, %i columns wide', (columns) => {
    const screen = new Screen(columns);
    const view = new LiveView(screenTerminal(screen));
    for (const body of story) {
      view.event(event(body));
      vi.advanceTimersByTime(350);
    }
    view.close();
    const { lines } = screen;
    expect(lines.slice(-4).map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      '✔ validate',
      '✔ packages',
      '✔ compose',
      '✔ finalize',
    ]);
    expect(lines.filter((line) => line.startsWith('warning'))).toHaveLength(1);
    expect(lines.filter((line) => /^(?:✔|✖|⠋) /.test(line))).toHaveLength(4);
  });

  it('shows what is downloaded, of how much', () => {
    const screen = new Screen(140);
    const view = new LiveView(screenTerminal(screen));
    tell(view, story.slice(0, 12));
    vi.advanceTimersByTime(100);
    expect(screen.lines.join('\n')).toContain('downloaded 1/2, 100 B of 300 B at 25 B/s');
    expect(screen.lines.join('\n')).toContain('verified 1/3');
    view.close();
  });

  it('keeps its place when the terminal becomes narrower', () => {
    const screen = new Screen(160);
    const view = new LiveView(screenTerminal(screen));
    tell(view, story.slice(0, 21));
    vi.advanceTimersByTime(100);
    view.print('a line of somebody else\n');
    view.close();
    expect(screen.lines.filter((line) => line === 'a line of somebody else')).toHaveLength(1);
    expect(screen.lines.filter((line) => line.includes('validate'))).toHaveLength(1);
  });

  it('marks the stage that failed', () => {
    const screen = new Screen(80);
    const view = new LiveView(screenTerminal(screen));
    const error = { code: 'ICT_SAMPLE_X', kind: 'network', message: 'x', facts: {}, problems: [] } as const;
    tell(view, [...story.slice(0, 6), { type: 'build.failed', error }]);
    view.close();
    expect(screen.lines.find((line) => line.includes('packages'))).toMatch(/^✖/);
  });

  it('draws nothing for commands without stages, and leaves no timer', () => {
    const screen = new Screen(80);
    const view = new LiveView(screenTerminal(screen));
    tell(view, [{ type: 'boot.console', text: 'x' }]);
    view.print('text\n');
    view.close();
    expect(screen.lines).toEqual(['text']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('makes text from outside harmless', () => {
    const screen = new Screen(80);
    const view = new LiveView(screenTerminal(screen));
    tell(view, [
      { type: 'stage.start', stage: 'compose' },
      { type: 'install.progress', phase: 'unpack', name: '\u001b[2Jevil', done: 1, total: 1 },
    ]);
    vi.advanceTimersByTime(100);
    expect(screen.lines.join('\n')).toContain('unpacking 1/1 evil');
    view.close();
  });
});

describe('PlainView', () => {
  it.each([
    [false, 'waiting for another build of this work directory to end (process 17)'],
    [true, 'waiting for another build of this work directory to end (process 17 of another machine or container)'],
  ])('says that the build waits for another one: elsewhere %s', (elsewhere, line) => {
    const waiting: EventBody = { type: 'build.waiting', directory: '/srv/acme', process: 17, elsewhere };
    const { terminal: plain, stderr } = terminal();
    tell(new PlainView(plain, true), [waiting]);
    expect(stderr.lines).toEqual([line]);
    const quiet = terminal({ level: 'warn' });
    tell(new PlainView(quiet.terminal, true), [waiting]);
    expect(quiet.stderr.lines).toEqual([]);
  });

  it('names the address of a failed download once', () => {
    const { terminal: plain, stderr } = terminal();
    const url = 'http://mirror.example/b';
    tell(new PlainView(plain, true), [{ type: 'fetch.retry', url, attempt: 1, reason: `${url} cannot be reached: no route` }], 10);
    expect(stderr.lines).toEqual(['retry 1: http://mirror.example/b cannot be reached: no route']);
  });

  it('says which results come from a remote cache, and what was sent there', () => {
    const { terminal: plain, stderr } = terminal();
    tell(
      new PlainView(plain, true),
      [
        { type: 'stage.start', stage: 'packages' },
        { type: 'resolve.done', packages: 3, downloadBytes: 300, fromLock: false },
        { type: 'stage.done', stage: 'packages', durationMs: 100 },
        { type: 'stage.start', stage: 'compose' },
        { type: 'step.hit', step: 'acme.base', key: 'k1' },
        { type: 'step.hit', step: 'acme.install', key: 'k2', from: 'remote' },
        { type: 'step.miss', step: 'acme.hook', key: 'k3', reason: 'first time' },
        { type: 'fetch.start', files: 1, totalBytes: 100 },
        { type: 'stage.done', stage: 'compose', durationMs: 2500 },
        { type: 'cache.uploading', results: 3 },
        { type: 'cache.uploaded', records: 1, blobs: 2, sentBytes: 300, durationMs: 1200 },
      ],
      10,
    );
    expect(stderr.lines).toEqual([
      'packages: done in 0.1 s: 3 packages, fetched when a layer needs them',
      'hit  acme.base',
      'hit  acme.install: from a remote cache',
      'miss acme.hook: first time',
      'compose: done in 2.5 s: 2 of 3 steps from the cache, 1 of them from a remote one',
      'send 3 results to the remote cache, as far as it lacks them',
      'sent 1 result and 2 files to the remote cache, 300 B in 1.2 s',
    ]);
  });

  it.each([
    ['warns of a cached package that was damaged', {}, 'warn', ['warning a 1 in the cache is damaged and was dropped: why']],
    ['leaves one that is refused to the error of the build', { check: 'rules' }, 'info', []],
    ['tells of it all the same with --verbose', { check: 'rules' }, 'debug', ['warning a 1 in the cache is refused: why']],
  ] as const)('%s', (_what, more, level, lines) => {
    const { terminal: plain, stderr } = terminal({ level });
    tell(new PlainView(plain, true), [{ type: 'package.invalid', name: 'a', version: '1', reason: 'why', ...more }]);
    expect(stderr.lines).toEqual(lines);
  });

  it('says each stage once, and progress seldom', () => {
    const { terminal: plain, stderr } = terminal();
    tell(new PlainView(plain, true), story, 10);
    expect(stderr.lines).toEqual([
      'warning ICT_TEMPLATE_NO_EFFECT  the key "x" has no effect',
      '  at a.yml:3:1',
      'validate: done in 0.1 s',
      'retry 1: http://mirror.example/b: connection reset',
      'packages: done in 2.5 s: 3 packages, 300 B downloaded',
      'hit  acme.base',
      'same acme.base: made anew by the audit',
      'miss acme.install: packages changed',
      'compose: done in 1 min 01 s: 1 of 2 steps from the cache',
      'finalize: done in 0.9 s',
    ]);
  });

  it('speaks up when a stage takes long', () => {
    const { terminal: plain, stderr } = terminal();
    tell(new PlainView(plain, true), story, 6000);
    expect(stderr.text).toContain('compose: unpacking 1/3 jq\n');
  });

  it('tells details with --verbose', () => {
    const { terminal: plain, stderr } = terminal({ level: 'debug' });
    tell(new PlainView(plain, true), story);
    expect(stderr.text).toContain('miss acme.install k2: packages changed\n');
    expect(stderr.text).toContain('command.output hello\n');
  });

  it.each([
    ['warn', 2],
    ['error', 0],
  ] as const)('says little at level %s', (level, lines) => {
    const { terminal: plain, stderr } = terminal({ level });
    tell(new PlainView(plain, true), story, 6000);
    expect(stderr.lines).toHaveLength(lines);
  });
});
