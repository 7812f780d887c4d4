import { describe, expect, it } from 'vitest';
import type { LayerSpec, SourcePosition } from '@ict/plugin-api';
import { inputOrigin } from '../../src/plans/input-origin.js';

const line = (number: number): SourcePosition => ({ file: 'image.yml', line: number, column: 1 });
const positions = new Map<string, SourcePosition>([
  ['image.version', line(3)],
  ['disk.extendLastPartitionToFillDisk', line(8)],
  ['disk.partitionTableType', line(26)],
  ['systemConfig.bootloader.bootType', line(27)],
  ['disk.partitions[1].label', line(9)],
  ['disk.partitions[1].mountOptions', line(10)],
  ['systemConfig.hostname', line(12)],
  ['systemConfig.documentation', line(13)],
  ['systemConfig.kernel.cmdline', line(14)],
  ['systemConfig.kernel.enableExtraModules', line(15)],
  ['systemConfig.packages', line(16)],
  ['systemConfig.immutability', line(25)],
  ['systemConfig.kernel.uki', line(17)],
  ['systemConfig.immutability.secureBootDBCrt', line(19)],
  ['systemConfig.packages[1]', line(18)],
  ['systemConfig.additionalFiles[0]', line(20)],
  ['systemConfig.configurations', line(22)],
  ['systemConfig.configurations[0]', line(23)],
  ['layers[1]', line(30)],
  ['layers[1].run[0]', line(32)],
  ['layers[1].env["A.B"]', line(34)],
  ['layers[1].inputs[0]', line(36)],
  ['layers[1].inputs[1]', line(37)],
]);
const layer = (name: string): LayerSpec => ({
  name,
  run: [],
  files: [],
  types: { launch: true, build: false, cache: false },
  env: {},
  inputs: ['single', 'src'].map((input) => ({ source: `/host/${input}`, name: input })),
  cacheMounts: [],
  network: false,
  metadata: {},
  invalidateOn: { packages: [], values: {} },
});
const spec = { layers: [layer('base'), layer('app')], positions };

function origin(step: string, path: string): number | undefined {
  return inputOrigin(step, { path, before: 'a', after: 'b' }, spec, (id) => (id === 'jq:amd64' ? line(18) : undefined))?.line;
}

describe('the line that an input comes from', () => {
  it.each<[string, string, number | undefined]>([
    ['ict.packages', 'input.packages["jq:amd64"]', 18],
    ['ict.packages', 'input.packages["libc6:amd64"]', undefined],
    ['ict.packages', 'input.installer', undefined],
    ['ict.base', 'input.fileChoice.documentation', 13],
    ['ict.packages', 'engine.code', undefined],
    ['ict.configure', 'input.configuration.hostname', 12],
    ['ict.configure', 'input.configuration.modules[0]', 15],
    ['ict.configure', 'input.configuration.files[0].digest', 20],
    ['ict.configure', 'input.configuration.commands[0]', 23],
    ['ict.configure', 'input.prepare.boot.kernel', 14],
    ['ict.configure', 'input.prepare.image.version', 3],
    ['ict.configure', 'input.prepare.growth', 8],
    ['ict.configure', 'input.prepare.immutable', 25],
    ['ict.configure', 'input.prepare.partitions[1].mountOptions', 10],
    ['ict.configure', 'input.prepare.disk.partitions[1].label', 9],
    ['ict.configure', 'input.prepare.seed', undefined],
    ['ict.configure', 'input.prepare.table', 26],
    ['disk.assemble', 'input.table.signature', 26],
    ['disk.assemble', 'input.boot.bios.version', 27],
    ['disk.assemble', 'input.boot.unified', 17],
    ['disk.assemble', 'input.boot.signed.certificate', 19],
    ['ict.image', 'template.system.secureBoot.certificate', 19],
    ['ict.layer.app', 'input.run[0]', 32],
    ['ict.layer.app', 'input.env["A.B"]', 34],
    ['ict.layer.app', 'input.inputs["src/a \\"b\\"/main.c"]', 37],
    ['ict.layer.app', 'input.inputs.single', 36],
    ['ict.layer.app', 'input.network', 30],
    ['ict.layer.app', 'input.below[2]', undefined],
    ['ict.layer.gone', 'input.run[0]', undefined],
    ['disk.assemble', 'input.partitions[1].label', 9],
    ['disk.assemble', 'input.tree[2]', undefined],
    ['ict.image', 'template.system.packages[1].name', 18],
    ['ict.image', 'template.system.files[0].mode', 20],
    ['ict.image', 'template.system.fileChoice.documentation', 13],
    ['ict.image', 'configuration.hostname', 12],
    ['ict.image', 'lock', undefined],
  ])('%s %s: %s', (step, path, expected) => {
    expect(origin(step, path)).toBe(expected);
  });

  it('is that of the list for an item that is gone', () => {
    const difference = { path: 'input.configuration.commands[0]', before: 'true', after: undefined };
    expect(inputOrigin('ict.configure', difference, spec, () => undefined)?.line).toBe(22);
  });
});
