import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../src/program.js';
import { ict } from './fixture.js';

const doNothing = async (): Promise<void> => undefined;

/** Every command with the words that lead to it, parents first. */
function commandsOf(program: Command, path: readonly string[] = []): readonly (readonly [path: readonly string[], command: Command])[] {
  const below = program.commands.flatMap((child) => commandsOf(child, [...path, child.name()]));
  return [[path, program], ...below];
}

/** What a program prints for the words and `--help`. */
async function help(words: readonly string[], argv?: readonly string[]): Promise<string> {
  let text = '';
  const program = createProgram(doNothing, { writeOut: (piece) => (text += piece) }, argv);
  await expect(program.parseAsync([...words, '--help'], { from: 'user' })).rejects.toMatchObject({ code: 'commander.helpDisplayed' });
  return text;
}

const whole = commandsOf(createProgram(doNothing));

describe('commands that the command line does not name', () => {
  it('have no flags and no commands below them, and those that it names have', () => {
    const named = new Map(commandsOf(createProgram(doNothing, {}, ['cache', 'gc'])).map(([path, command]) => [path.join(' '), command]));
    const all = new Map(whole.map(([path, command]) => [path.join(' '), command]));
    expect(named.get('cache gc')?.options.map(({ flags }) => flags)).toEqual(all.get('cache gc')?.options.map(({ flags }) => flags));
    expect(named.get('cache gc')?.options).not.toEqual([]);
    expect(named.get('cache')?.commands).toHaveLength(all.get('cache')?.commands.length ?? Number.NaN);
    expect(named.get('cache list')?.options).toEqual([]);
    expect(named.get('build')?.options).toEqual([]);
    expect(named.get('config')?.commands).toEqual([]);
  });

  it.each(whole.map(([path]) => [path.join(' '), path] as const))('change nothing in the help of "ict %s"', async (_, path) => {
    expect(await help(path, [...path, '--help'])).toBe(await help(path));
  });

  it('change nothing in scripts of completion, which have every flag', async () => {
    const { stdout } = await ict(['completion', 'bash']);
    const flags = whole.flatMap(([, command]) => command.options.flatMap(({ long }) => (long === undefined ? [] : [long])));
    expect(flags).toContain('--audit-cache');
    expect([...new Set(flags)].filter((flag) => !stdout.text.includes(flag))).toEqual([]);
  });
});
