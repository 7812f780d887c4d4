import { describe, expect, it } from 'vitest';
import { parseYaml } from '../src/yaml-document.js';
import { parserProblem } from '../src/yaml-problem.js';

describe('a message of the parser', () => {
  it.each([
    ['an alias', '*hunter2'],
    ['an alias on a line of its own', '\n    *hunter2'],
    ['a tag', '!hunter2'],
    ['a tag and a text', '!hunter2 hunter2'],
    ['an escape', '"\\hunter2"'],
    ['a block with more in its header', '| hunter2'],
    ['a reserved character', '@hunter2'],
    ['brackets that do not close', '[hunter2'],
    ['a quote that does not close', '"hunter2'],
    ['an anchor without a value that an alias repeats', '&hunter2 *hunter2'],
  ])('repeats no password that looks like %s', (_what, value) => {
    const { problems } = parseYaml(`users:\n  password: ${value}\n`, 'a.yml');
    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it.each([
    ['BLOCK_AS_IMPLICIT_KEY', 'Nested mappings are not allowed in compact mappings', 'nested mappings are not allowed in compact mappings'],
    ['UNEXPECTED_TOKEN', 'Block scalar header includes extra characters: x.', 'block scalar header includes extra characters'],
    ['IMPOSSIBLE', 'Maximum call stack size exceeded', 'values are nested more than 64 levels deep'],
  ] as const)('%s is in our style', (code, message, expected) => {
    expect(parserProblem({ code, message }).message).toBe(expected);
  });
});
