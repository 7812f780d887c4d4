import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFirmware } from '../src/firmware.js';
import { describedFirmware, descriptorDirectories } from '../src/firmware-descriptors.js';
import { MACHINES } from '../src/machine.js';
import { enforcesSecureBoot } from '../src/variable-store.js';
import { GLOBAL, OF_SECURE_BOOT, PK, switched, variableStore, type Variable } from './variable-store.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-boot-firmware-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const written = (name: string, content: string | Buffer = ''): string => {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
};

describe('a variable store', () => {
  it.each<[string, readonly Variable[], boolean]>([
    ['with a platform key enforces it', [PK], true],
    ['where it is switched on, too', [PK, switched(true)], true],
    ['where it is switched off does not', [PK, switched(false)], false],
    ['without a platform key does not', [switched(true)], false],
    ['whose platform key was taken away does not', [{ ...PK, state: 0x3d }], false],
    ['whose platform key is empty does not', [{ ...PK, data: Buffer.alloc(0) }], false],
    ['whose platform key was to be replaced does', [{ ...PK, state: 0x3e }], true],
    ['with a variable of that name by another vendor does not', [{ ...PK, vendor: OF_SECURE_BOOT }], false],
    ['switched off by another vendor does', [PK, { ...switched(false), vendor: GLOBAL }], true],
    ['switched on later does', [{ ...switched(false), state: 0x3c }, PK, switched(true)], true],
  ])('%s', (_, variables, expected) => {
    expect(enforcesSecureBoot(variableStore(variables))).toBe(expected);
  });

  it.each([
    ['OVMF_VARS_4M.fd', false],
    ['OVMF_VARS_4M.ms.fd', true],
    ['OVMF_VARS_4M.snakeoil.fd', true],
  ])('of the package ovmf, %s, is read', (name, expected) => {
    expect(enforcesSecureBoot(readFileSync(join('/usr/share/OVMF', name)))).toBe(expected);
  });

  it('is nothing else, and no bytes are too odd to be asked', () => {
    expect(enforcesSecureBoot(Buffer.alloc(4096))).toBeUndefined();
    const sound = variableStore([PK, switched(true)], 512);
    fc.assert(
      fc.property(fc.nat(511), fc.uint8Array({ maxLength: 32 }), fc.nat(512), (at, noise, length) => {
        const bytes = Buffer.from(sound);
        Buffer.from(noise).copy(bytes, at);
        expect([true, false, undefined]).toContain(enforcesSecureBoot(bytes.subarray(0, length)));
      }),
    );
  });
});

const DESCRIPTOR = {
  'interface-types': ['uefi'],
  mapping: {
    device: 'flash',
    executable: { filename: '/code.fd', format: 'raw' },
    'nvram-template': { filename: '/vars.fd', format: 'raw' },
  },
  targets: [{ architecture: 'x86_64', machines: ['pc-i440fx-*', 'pc-q35-*'] }],
  features: ['secure-boot', 'requires-smm'],
};
const described = (name: string, content: unknown): string => written(name, JSON.stringify(content));

describe('descriptors of firmware', () => {
  const read = (...directories: string[]) =>
    describedFirmware(
      MACHINES.x86_64,
      directories.map((name) => join(directory, name)),
    );
  const { mapping } = DESCRIPTOR;

  it('are read in the order of their names, wherever they lie', async () => {
    described('b/10-a.json', DESCRIPTOR);
    described('a/20-b.json', { ...DESCRIPTOR, features: [], mapping: { ...mapping, mode: 'split' } });
    expect(await read('a', 'b', 'none')).toEqual([
      { code: '/code.fd', variables: '/vars.fd', requiresSmm: true, features: DESCRIPTOR.features },
      { code: '/code.fd', variables: '/vars.fd', features: [] },
    ]);
  });

  it('hide those of their name in later directories, also when they are empty', async () => {
    for (const name of ['10-a.json', '20-b.json']) described(join('b', name), DESCRIPTOR);
    described('a/10-a.json', { ...DESCRIPTOR, features: ['own'] });
    written('a/20-b.json');
    expect((await read('a', 'b')).map(({ features }) => features)).toEqual([['own']]);
  });

  it.each<[string, unknown]>([
    ['of another architecture', { ...DESCRIPTOR, targets: [{ architecture: 'aarch64', machines: ['pc-q35-*'] }] }],
    ['of another machine', { ...DESCRIPTOR, targets: [{ architecture: 'x86_64', machines: ['microvm'] }] }],
    ['of a BIOS', { ...DESCRIPTOR, 'interface-types': ['bios'] }],
    ['in memory', { ...DESCRIPTOR, mapping: { ...mapping, device: 'memory' } }],
    ['without variables', { ...DESCRIPTOR, mapping: { ...mapping, mode: 'stateless', 'nvram-template': undefined } }],
    ['with code and variables in one', { ...DESCRIPTOR, mapping: { ...mapping, mode: 'combined' } }],
    ['in qcow2', { ...DESCRIPTOR, mapping: { ...mapping, executable: { filename: '/code.qcow2', format: 'qcow2' } } }],
    ['of a form that nobody knows', { ...DESCRIPTOR, targets: [null, 1, { architecture: 'x86_64', machines: 'pc-q35-*' }] }],
    ['that is null', null],
  ])('of firmware %s are passed over', async (_, descriptor) => {
    described('a/10-a.json', descriptor);
    written('a/20-b.json', '{');
    written('a/README', JSON.stringify(DESCRIPTOR));
    described('a/30-c.json', { ...DESCRIPTOR, features: [] });
    expect((await read('a')).map(({ features }) => features)).toEqual([[]]);
  });

  it.each([
    [{ XDG_CONFIG_HOME: '/config' }, '/config/qemu/firmware'],
    [{ XDG_CONFIG_HOME: 'relative' }, expect.stringMatching(/^\/.*\/\.config\/qemu\/firmware$/u) as string],
    [{ XDG_CONFIG_HOME: '' }, expect.stringMatching(/\/\.config\/qemu\/firmware$/u) as string],
  ])('with %o are looked for in %s first', (env, first) => {
    expect(descriptorDirectories(env)).toEqual([first, '/etc/qemu/firmware', '/usr/share/qemu/firmware', '/usr/local/share/qemu/firmware']);
  });
});

describe('firmware with Secure Boot', () => {
  const put = (name: string, variables: Buffer, features: readonly string[] = DESCRIPTOR.features): void => {
    const mapping = {
      device: 'flash',
      executable: { filename: written(`${name}.code`), format: 'raw' },
      'nvram-template': { filename: written(`${name}.vars`, variables), format: 'raw' },
    };
    described(`descriptors/${name}.json`, { ...DESCRIPTOR, mapping, features });
  };
  const find = (variables?: string, machine = MACHINES.x86_64) =>
    findFirmware(machine, {
      secureBoot: true,
      descriptors: [join(directory, 'descriptors')],
      ...(variables === undefined ? {} : { variables }),
    });
  const at = (name: string): string => join(directory, name);
  const empty = variableStore([]);
  const enrolled = variableStore([PK]);

  it('is the first that has keys', async () => {
    put('10-ordinary', enrolled, []);
    put('20-empty', empty);
    put('30-gone', enrolled);
    rmSync(at('30-gone.code'));
    put('40-enrolled', enrolled);
    expect(await find()).toMatchObject({ code: at('40-enrolled.code'), variables: at('40-enrolled.vars'), requiresSmm: true });
  });

  it('takes variables of its size, and has them in place of its own', async () => {
    put('10-small', variableStore([], 2048));
    put('20-empty', empty);
    const variables = written('mine.fd', enrolled);
    expect(await find(variables)).toMatchObject({ code: at('20-empty.code'), variables });
  });

  it('is missed by name', async () => {
    await expect(find()).rejects.toMatchObject({
      code: 'ICT_BOOT_NO_FIRMWARE',
      hint: expect.stringContaining('install ovmf') as string,
      facts: { package: 'ovmf', searched: [at('descriptors')] },
    });
    put('10-empty', empty);
    await expect(find()).rejects.toMatchObject({
      code: 'ICT_BOOT_NO_FIRMWARE',
      hint: expect.stringContaining('--firmware-vars') as string,
      facts: { searched: [at('10-empty.code')] },
    });
    await expect(find(undefined, MACHINES.aarch64)).rejects.toMatchObject({
      code: 'ICT_BOOT_NO_FIRMWARE',
      hint: expect.stringContaining('qemu-efi-aarch64') as string,
    });
  });

  it.each<[string, () => Buffer | undefined, RegExp]>([
    ['is not there', () => undefined, /ENOENT/u],
    ['is none', () => Buffer.alloc(4096), /no variable store/u],
    ['leaves it off', () => empty, /leaves Secure Boot off/u],
    ['is that of other firmware', () => variableStore([PK], 8192), /8192 bytes/u],
  ])('refuses a variable store that %s', async (_, content, message) => {
    put('10-empty', empty);
    const bytes = content();
    const variables = bytes === undefined ? at('gone.fd') : written('mine.fd', bytes);
    await expect(find(variables)).rejects.toMatchObject({
      code: 'ICT_BOOT_VARIABLES',
      kind: 'usage',
      message: expect.stringMatching(message) as string,
      facts: { path: variables },
    });
  });
});

it('ordinary firmware takes variables of its size, whatever keys they have', async () => {
  const firmware = { code: written('code.fd'), variables: written('vars.fd', variableStore([])) };
  const variables = written('mine.fd', variableStore([]));
  expect(await findFirmware({ ...MACHINES.x86_64, firmware: [firmware] }, { variables })).toEqual({ ...firmware, variables });
});
