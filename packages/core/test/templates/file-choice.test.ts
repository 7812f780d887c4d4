import { describe, expect, it } from 'vitest';
import type { FileChoice } from '@ict/plugin-api';
import { checkFileChoice } from '../../src/templates/file-choice.js';
import { distribution, sampleSpec } from '../support/sample-image.js';

const position = { file: '/image.yml', line: 9, column: 3 };

describe('a choice among the files of packages', () => {
  it.each<[string, FileChoice | undefined, boolean | undefined, readonly unknown[]]>([
    ['by an installer that makes it', { documentation: false, languages: ['de'] }, true, []],
    ['that is not made', undefined, undefined, []],
    ['of documentation', { documentation: false }, undefined, [['systemConfig.documentation', undefined]]],
    ['of languages', { languages: ['de'] }, false, [['systemConfig.languages', position]]],
  ])('is refused where it would be ignored: %s', (_what, fileChoice, choosesFiles, expected) => {
    const spec = sampleSpec();
    const system = { ...spec.system, ...(fileChoice === undefined ? {} : { fileChoice }) };
    const positions = new Map([['systemConfig.languages', position]]);
    const found = checkFileChoice({ system, positions }, distribution, { installer: choosesFiles === undefined ? {} : { choosesFiles } });
    expect(found.map((one) => [one.message.split(' ')[0], one.position])).toEqual(expected);
    expect(found.every(({ code, message }) => code === 'ICT_UNSUPPORTED_YET' && message.endsWith(distribution.title))).toBe(true);
  });
});
