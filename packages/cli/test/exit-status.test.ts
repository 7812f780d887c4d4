import { EventEmitter } from 'node:events';
import type { ErrorKind } from '@ict/plugin-api';
import { IctError } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { ict, report, Signals, work } from './fixture.js';

describe('exit status', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 1],
    ['usage', 2],
    ['unsolvable', 3],
    ['network', 4],
    ['integrity', 5],
    ['offline', 6],
    ['host', 7],
    ['command', 8],
    ['internal', 9],
    ['interrupted', 130],
  ])('of %s is %i', async (kind, expected) => {
    const { status, closed } = await ict(['build', 'a.yml', ...work], {
      engine: {
        build: async () => {
          throw new IctError('ICT_SAMPLE_X', kind, { message: 'x' });
        },
      },
    });
    expect([status, closed]).toEqual([expected, 1]);
  });

  it('of an error of a kind that there is not is 9: a script would take anything else for success', async () => {
    const build = async () => {
      throw new IctError('ACME_NO', 'teapot' as ErrorKind, { message: 'no' });
    };
    expect((await ict(['build', 'a.yml', ...work], { engine: { build } })).status).toBe(9);
  });

  it.each([
    [['build', 'a.yml', ...work, '--json'], { type: 'build.failed', error: { code: 'ICT_INTERNAL', message: 'floating' } }],
    [['plan', 'a.yml', ...work, '--json'], { error: { code: 'ICT_INTERNAL', message: 'floating' } }],
  ])('of an error that nobody waits for is 9, and it ends what still runs: %j', async (argv, told) => {
    const accidents = new EventEmitter();
    const exits: number[] = [];
    const never = (): Promise<never> => {
      setImmediate(() => accidents.emit('uncaughtException', new Error('floating')));
      return new Promise(() => undefined);
    };
    const { status, stdout, stderr } = await ict(argv, {
      accidents,
      exit: (ended) => exits.push(ended),
      engine: { build: never, plan: never },
    });
    expect([status, exits]).toEqual([9, [9]]);
    expect(JSON.parse(stdout.text)).toMatchObject(told);
    expect(stderr.text).toMatch(/ICT_INTERNAL {2}floating\n[^]*Error: floating\n +at .*exit-status\.test\.ts/);
    expect(accidents.eventNames()).toEqual([]);
  });

  it('of a process that somebody ends while a command runs is 9, and the place is told', async () => {
    const accidents = new EventEmitter();
    const exits: number[] = [];
    const build = async () => {
      accidents.emit('exit', 0);
      return report;
    };
    const { stdout, stderr } = await ict(['build', 'a.yml', ...work, '--json'], {
      accidents,
      exit: (ended) => exits.push(ended),
      engine: { build },
    });
    expect(exits).toEqual([9]);
    expect(JSON.parse(stdout.lines[0]!)).toMatchObject({ type: 'build.failed', error: { code: 'ICT_CLI_EXITED', facts: { status: 0 } } });
    expect(stderr.text).toMatch(/the process was ended here\n[^]* at .*exit-status\.test\.ts/);
  });

  it('is that of the command when nothing happened aside, and nobody listens any more', async () => {
    const accidents = new EventEmitter();
    const exits: number[] = [];
    const { status } = await ict(['build', 'a.yml', ...work], {
      accidents,
      exit: (ended) => exits.push(ended),
      engine: { build: async () => report },
    });
    accidents.emit('exit', 0);
    expect([status, exits, accidents.eventNames()]).toEqual([0, [], []]);
  });

  const accident = new TypeError('x is not a function');
  it.each([
    ['nobody foresaw', 'ICT_INTERNAL', accident],
    [
      'a plugin made',
      'ICT_PLUGIN_FAILED',
      new IctError('ICT_PLUGIN_FAILED', 'internal', { message: 'the plugin failed', cause: accident }),
    ],
  ])('of an error that %s is 9, with its stack', async (_who, code, error) => {
    const { status, stderr } = await ict(['build', 'a.yml', ...work], {
      engine: {
        build: async () => {
          throw error;
        },
      },
    });
    expect(status).toBe(9);
    expect(stderr.text).toContain(code);
    expect(stderr.text).toMatch(/TypeError: x is not a function\n +at .*exit-status\.test\.ts/);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('after %s is %i', async (signal, expected) => {
    const signals = new Signals();
    let aborted: AbortSignal | undefined;
    const { status, stderr, closed } = await ict(
      ['build', 'a.yml', ...work],
      {
        opened: (options) => (aborted = options.signal),
        engine: {
          build: async () => {
            signals.send(signal);
            aborted?.throwIfAborted();
            return report;
          },
        },
      },
      signals,
    );
    expect([status, closed, signals.count]).toEqual([expected, 1, 0]);
    expect(stderr.text).toContain('ICT_CLI_INTERRUPTED');
    expect(stderr.text).toContain('; what was running has ended\n');
  });

  it('after a signal is that of the signal, and a plugin that did not stop is named', async () => {
    const signals = new Signals();
    const build = async () => {
      signals.send('SIGTERM');
      throw new IctError('ICT_PLUGIN_FAILED', 'internal', { message: 'the plugin acme 1 failed in resolver.resolve: it goes on' });
    };
    const { status, stderr } = await ict(['build', 'a.yml', ...work], { engine: { build } }, signals);
    expect(status).toBe(143);
    expect(stderr.text).toContain('ICT_CLI_INTERRUPTED  stopped by SIGTERM; the plugin acme 1 failed in resolver.resolve: it goes on\n');
  });

  it('after a signal that came when all was done is that of the signal', async () => {
    const signals = new Signals();
    const build = async () => {
      signals.send('SIGINT');
      return report;
    };
    const { status, stderr } = await ict(['build', 'a.yml', ...work], { engine: { build } }, signals);
    expect(status).toBe(130);
    expect(stderr.text).not.toContain('ICT_CLI_INTERRUPTED');
  });
});
