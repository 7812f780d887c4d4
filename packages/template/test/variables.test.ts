import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate } from '../src/documents/load.js';
import { escapeReferences, type VariableSources } from '../src/documents/variables.js';
import { definition, DISK, HEAD, said, workspace } from './workspace.js';

const open = async (text: string, variables: VariableSources = {}, files: Readonly<Record<string, string>> = {}) =>
  loadTemplate(path.join(await workspace({ 'image.yml': text, ...files }), 'image.yml'), { distribution: () => definition(), variables });

const SITE = `variables:\n  SITE: { description: Where it stands, default: lab }\n${HEAD}${DISK}`;

it.each<[string, VariableSources, string, string]>([
  ['the default', {}, 'lab', 'default'],
  ['the environment', { env: { ICT_VAR_SITE: 'env' } }, 'env', 'environment ICT_VAR_SITE'],
  ['the command line', { env: { ICT_VAR_SITE: 'env' }, given: new Map([['SITE', 'flag']]) }, 'flag', 'command line'],
])('takes the value from %s', async (_what, sources, value, source) => {
  const { spec, variables, problems } = await open(`${SITE}systemConfig: { hostname: "node-\${SITE}" }\n`, sources);
  expect(said(problems)).toEqual([]);
  expect(spec?.system.hostname).toBe(`node-${value}`);
  expect([...variables.values()]).toEqual([{ name: 'SITE', description: 'Where it stands', secret: false, value, source }]);
});

it('replaces values of every kind before they are checked, but neither commands nor hashes nor keys', async () => {
  const hash = '$6$salt$${SITE}${SITE}';
  const { spec, problems } = await open(`variables: { SITE: { default: lab }, SIZE: { default: 3GiB } }
${HEAD}${DISK.replace('2GiB', '${SIZE}')}systemConfig:
  packages: ["\${SITE}-tools"]
  kernel: { cmdline: "site=\${SITE} literal=$\${SITE} other=\${OTHER}" }
  configurations: [{ cmd: "echo \${SITE}" }]
layers: [{ name: a, run: ["echo \${SITE}", [echo, "\${SITE}"]], validate: "\${SITE}", types: { cache: true }, env: { SITE: "\${SITE}" } }]
`);
  expect(said(problems)).toEqual([]);
  expect(spec?.disk.sizeBytes).toBe(3 * 2 ** 30);
  expect(spec?.system.packages[0]?.name).toBe('lab-tools');
  expect(spec?.system.kernel.cmdline).toBe('site=lab literal=${SITE} other=${OTHER}');
  expect(spec?.system.configurations[0]?.command).toBe('echo ${SITE}');
  expect(spec?.layers[0]).toMatchObject({ run: ['echo ${SITE}', ['echo', '${SITE}']], validate: '${SITE}', env: { SITE: 'lab' } });
  expect(hash).toContain('${SITE}');
});

it('says what is not declared, where no variable is declared too, but not what stands for itself', async () => {
  const { spec, warnings } = await open(`${HEAD}${DISK}systemConfig: { kernel: { cmdline: "a=\${A} b=$\${B}" } }\n`);
  expect(spec?.system.kernel.cmdline).toBe('a=${A} b=${B}');
  expect(warnings.map(({ message, hint }) => [message, hint])).toEqual([
    ['${A} is not a declared variable and stays as it is', 'Declare it under "variables", or write $${A} for the text itself.'],
  ]);
});

it.each([
  ['in a text', 'hostname: "$${A}-${A}"', 15, 20],
  ['behind letters that another file may have', 'description: é${A}', 15, 17],
  ['in lines', 'description: |\n    one\n    two ${A}\n', 17, 9],
  ['written otherwise', 'description: "\\x24{A}"', 15, 16],
])('says where a variable is that is not declared: %s', async (_what, line, ...place) => {
  const { warnings } = await open(`${HEAD}${DISK}systemConfig:\n  ${line}\n`);
  expect(warnings.map(({ position }) => [position?.line, position?.column])).toEqual([place]);
});

it.each(['${A}', '$${A}', 'a $$${A} ${B}', '${}', '$6$salt$${A}'])('%j, printed, reads back as it is', async (literal) => {
  const escaped = escapeReferences({ description: literal });
  const { spec, warnings } = await open(`variables: { A: { default: x } }\n${HEAD}${DISK}systemConfig: ${JSON.stringify(escaped)}\n`);
  expect(warnings).toEqual([]);
  expect(spec?.system.description).toBe(literal);
});

it('inherits declarations, and lets the child change their defaults', async () => {
  const parent = `variables: { A: { default: a }, B: { default: below, secret: true } }\n${HEAD}${DISK}systemConfig: { description: "\${A} \${B}" }\n`;
  const { spec, variables } = await open(`extends: base.yml\nvariables: { A: { default: own } }\n${HEAD}`, {}, { 'base.yml': parent });
  expect(spec?.system.description).toBe('own below');
  expect([...variables.values()].map(({ name, secret }) => [name, secret])).toEqual([
    ['A', false],
    ['B', true],
  ]);
});

describe('reports', () => {
  it.each<[string, string, VariableSources, string]>([
    ['a variable without value', 'A: {}', {}, 'the variable A has no value'],
    ['a name that cannot be', '"a b": { default: x }', {}, '"a b" cannot be the name of a variable'],
    [
      'a flag for none',
      'SITE: { default: x }',
      { given: new Map([['SIET', 'x']]) },
      'no template declares the variable SIET, which --var gives',
    ],
  ])('%s', async (_what, declaration, sources, expected) => {
    const { problems, spec } = await open(`variables: { ${declaration} }\n${HEAD}${DISK}`, sources);
    expect(said(problems)).toEqual([`ICT_TEMPLATE_VARIABLE: ${expected}`]);
    expect(spec).toBeUndefined();
  });

  it.each([
    ['a password', 'systemConfig: { users: [{ name: admin, password: "${A}" }] }'],
    ['a size', DISK.trimEnd().replace('2GiB', '"${A}"')],
    ['a host name', 'systemConfig: { hostname: "${A}" }'],
    [
      'a mount point',
      'disk: { size: 2GiB, partitions: [{ id: root, type: linux, fsType: ext4, mountPoint: "${A}" }, { id: esp, type: esp, fsType: fat32, start: 1GiB }] }',
    ],
    ['a word of a list', 'systemConfig: { packages: [" ${A}"] }'],
  ])('a variable without value once, and judges no value that it stands in: %s', async (_what, line) => {
    const disk = line.startsWith('disk') ? '' : DISK;
    const { problems } = await open(`variables: { A: {} }\n${HEAD}${disk}${line}\n`);
    expect(said(problems).filter((text) => !text.includes('begins at'))).toEqual(['ICT_TEMPLATE_VARIABLE: the variable A has no value']);
  });

  it('one that is declared by a key without a value, with what to write', async () => {
    const text = `variables:\n  SITE:\n${HEAD}${DISK}systemConfig: { description: "\${SITE}" }\n`;
    const { problems, warnings } = await open(text, { given: new Map([['SITE', 'x']]) });
    const hint = 'Write "SITE: {}" under "variables": a key without a value counts as absent.';
    expect([...problems, ...warnings].map((one) => [one.code, one.hint])).toEqual([
      ['ICT_TEMPLATE_VARIABLE', hint],
      ['ICT_TEMPLATE_VARIABLE', hint],
    ]);
  });

  it('a name that is not declared, as a warning with what was meant', async () => {
    const { warnings, spec } = await open(`${SITE}systemConfig: { description: "\${SIET}" }\n`);
    expect(warnings.map(({ code, message, hint, position }) => [code, message, hint, position?.line])).toEqual([
      ['ICT_TEMPLATE_VARIABLE', '${SIET} is not a declared variable and stays as it is', 'Did you mean "SITE"?', 16],
    ]);
    expect(spec?.system.description).toBe('${SIET}');
  });
});
