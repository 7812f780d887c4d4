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
