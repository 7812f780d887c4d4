import { expect, it } from 'vitest';
import { agentEnvironment, agentProgram } from '../src/launch.js';

it.each([
  ['nothing else', {}, { PATH: '/bin' }],
  ['how memory is given', { GLIBC_TUNABLES: 'glibc.malloc.arena_max=1' }, { PATH: '/bin', GLIBC_TUNABLES: 'glibc.malloc.arena_max=1' }],
  ['where compiled code is kept', { NODE_COMPILE_CACHE: '/home/kept' }, { PATH: '/bin', NODE_COMPILE_CACHE: '/home/kept' }],
])("the agent gets the path and %s of ict's own environment", (_, own, expected) => {
  expect(agentEnvironment('/bin', { HOME: '/root', NODE_OPTIONS: '--inspect', ...own })).toEqual(expected);
});

it('the program of the agent is the compiled one', () => {
  expect(agentProgram()).toMatch(/\/sandbox\/dist\/agent\.js$/);
});
