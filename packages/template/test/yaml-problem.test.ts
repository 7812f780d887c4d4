import { describe, expect, it } from 'vitest';
import { parseYaml } from '../src/documents/yaml-document.js';
import { parserProblem } from '../src/documents/yaml-problem.js';

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
    ['a: "b\nc: d\ne: {f: g}\n', [[1, 4, 'the quote that begins here does not close']]],
    ["a: 'x'\nb: {c: 'd, e: f}\n", [[2, 8, 'the quote that begins here does not close']]],
    ['a: [b,\n\n\n', [[1, 7, 'the closing "]" is missing']]],
    ['a: {name: "t, version: "1"}\n', [[1, 25, 'more text follows the end of a value']]],
    ['a: !!binary aGk=\n', [[1, 13, 'the tag before the value has no meaning here']]],
  ])('is at a place that exists, and alone: %j', (text, expected) => {
    const { problems } = parseYaml(text, 'a.yml');
    expect(problems.map(({ message, position }) => [position?.line, position?.column, message])).toEqual(expected);
  });

  it.each([
    ['BLOCK_AS_IMPLICIT_KEY', 'Nested mappings are not allowed in compact mappings', 'nested mappings are not allowed in compact mappings'],
    ['UNEXPECTED_TOKEN', 'Block scalar header includes extra characters: x.', 'block scalar header includes extra characters'],
    ['IMPOSSIBLE', 'Maximum call stack size exceeded', 'values are nested more than 64 levels deep'],
  ] as const)('%s is in our style', (code, message, expected) => {
    expect(parserProblem({ code, message }).message).toBe(expected);
  });
});
