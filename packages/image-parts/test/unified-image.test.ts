import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { efiProgram, execute, formatDistribution, hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import { findKernelStub, planUnifiedImage, writeBootProgram } from '../src/unified-image.js';

const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const distribution = formatDistribution({
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['true'],
    loaders: {
      'systemd-boot': { efi: '/efi', stub: '/usr/lib/systemd/boot/efi/linux${efiArch}.efi.stub', package: 'systemd-boot-efi' },
    },
  },
});
const target = { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' } as const;
const files: Readonly<Record<string, TreeContent>> = {
  'boot/vmlinuz': Buffer.alloc(9000, 'kernel'),
  'boot/initrd': Buffer.alloc(123_456, 'initrd'),
  'etc/os-release': { link: '../usr/lib/os-release' },
  'usr/lib/os-release': 'ID=debian\nPRETTY_NAME="Debian"\n',
  [STUB.slice(1)]: efiProgram(),
};
const kernel = {
  version: '6.12.1',
  linux: { path: '/boot/vmlinuz', sizeBytes: 9000 },
  initrd: { path: '/boot/initrd', sizeBytes: 123_456 },
  options: 'root=PARTUUID=x rw quiet',
};

function build(): HostBuild {
  const made = hostBuild();
  onTestFinished(() => made.remove());
  return made;
}

async function make(content = files, host = build()): Promise<string> {
  const tree = host.tree(content);
  const session = host.session(tree);
  const stub = await findKernelStub(session, distribution, target);
  const file = join(host.ctx.temporary, 'linux.efi');
  await writeBootProgram(await planUnifiedImage(session, stub!, kernel), tree, file, host.ctx);
  return file;
}

describe('a unified kernel image', () => {
  it('has what binutils takes out of it', async () => {
    const file = await make();
    for (const [name, content] of [
      ['.osrel', files['usr/lib/os-release']],
      ['.uname', '6.12.1'],
      ['.cmdline', 'root=PARTUUID=x rw quiet'],
      ['.initrd', files['boot/initrd']],
      ['.linux', files['boot/vmlinuz']],
    ] as const) {
      await execute('objcopy', ['-O', 'binary', '--dump-section', `${name}=${file}${name}`, file, '/dev/null']);
      expect([name, readFileSync(file + name).equals(Buffer.from(content as string))]).toEqual([name, true]);
    }
    const { stdout } = await execute('objdump', ['-h', file]);
    const sections = [...stdout.matchAll(/^ *\d+ (\S+) .*\n +(.*)$/gmu)].map(([, name, flags]) => [name, flags!.includes('CODE')]);
    expect(sections.at(-1)).toEqual(['.linux', true]);
    expect(sections.at(-2)).toEqual(['.initrd', false]);
  });

  it('is the same whenever and wherever it is made', async () => {
    expect(readFileSync(await make()).equals(readFileSync(await make()))).toBe(true);
  });

  it.each<[string, TreeContent, string]>([
    ['a text', 'no program', 'ends within its headers'],
    ['a stub without room', efiProgram({ room: 0, sbat: 'sbat' }).subarray(0, 600), 'ends within its section'],
  ])('cannot be made of %s: the error names the file and the package', async (_what, content, reason) => {
    await expect(make({ ...files, [STUB.slice(1)]: content })).rejects.toMatchObject({
      code: 'ICT_IMAGE_BOOT_PROGRAM',
      message: expect.stringContaining(reason) as unknown,
      hint: expect.stringContaining('systemd-boot-efi') as unknown,
      facts: { path: STUB, package: 'systemd-boot-efi' },
    });
  });

  it.each([
    [STUB.slice(1), STUB, 'systemd-boot-efi'],
    ['etc/os-release', '/etc/os-release', 'os-release'],
  ])('needs %s', async (missing, path, hint) => {
    const others = Object.fromEntries(Object.entries(files).filter(([name]) => name !== missing));
    await expect(make(others)).rejects.toMatchObject({
      code: 'ICT_IMAGE_BOOT_FILES',
      hint: expect.stringContaining(hint) as unknown,
      facts: { path },
    });
  });

  it('is not known where the definition names no stub, and for architectures without UEFI', async () => {
    const host = build();
    const session = host.session(host.tree(files));
    const { efi, package: name } = distribution.boot.loaders['systemd-boot']!;
    const without = { ...distribution, boot: { ...distribution.boot, loaders: { 'systemd-boot': { efi, package: name } } } };
    expect(await findKernelStub(session, without, target)).toBeUndefined();
    expect(await findKernelStub(session, distribution, { ...target, arch: 'armv7hl' })).toBeUndefined();
  });
});
