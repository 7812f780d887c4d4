import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootImage, type BootOptions } from '../src/boot.js';
import { bootError } from '../src/errors.js';
import { findFirmware, type Firmware } from '../src/firmware.js';
import { MACHINES } from '../src/machine.js';
import { parseQemuVersion, qemuArguments } from '../src/qemu.js';
import { findRefusal } from '../src/refusal.js';
import { PK, variableStore } from './variable-store.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-boot-test-'));
  writeFileSync(join(directory, 'disk.raw'), 'a disk');
  writeFileSync(join(directory, 'code.fd'), 'code');
  writeFileSync(join(directory, 'vars.fd'), 'variables');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A program in qemu's place: writes its arguments and process id down, then does what the script says. */
function fake(script: string): string {
  const file = join(directory, 'qemu');
  writeFileSync(
    file,
    `#!/bin/sh\n[ "$*" = --version ] && { echo 'QEMU emulator version 7.2.22 (Debian)'; exit; }\nprintf '%s\\n' "$*" >> '${directory}/arguments'\necho $$ > '${directory}/pid'\n${script}\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

const X86_64: Partial<BootOptions> = { architecture: 'x86_64' };

/** For what no UEFI starts. */
function withoutUefi(script: string, more: Partial<BootOptions>, machine = X86_64): BootOptions {
  return { image: join(directory, 'disk.raw'), qemu: fake(script), accel: 'tcg', timeoutMs: 20_000, ...machine, ...more };
}

const uefi = (): Firmware => ({ code: join(directory, 'code.fd'), variables: join(directory, 'vars.fd') });

function options(script: string, more: Partial<BootOptions> = {}, machine = X86_64): BootOptions {
  return withoutUefi(script, { firmware: uefi(), ...more }, machine);
}

const runs = (): string[] => readFileSync(join(directory, 'arguments'), 'utf8').trim().split('\n');
const alive = (): boolean => {
  try {
    process.kill(Number(readFileSync(join(directory, 'pid'), 'utf8')), 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
};
const FOREVER = 'exec sleep 600';

it.each([
  ['lies below a file', (place: string) => writeFileSync(dirname(place), '')],
  ['is a file', (place: string) => [mkdirSync(dirname(place)), writeFileSync(place, '')]],
])('a place for temporary files that %s is told, and nothing starts', async (_, make) => {
  const temporary = join(directory, 'place', 'temporary');
  make(temporary);
  const failure = { code: 'ICT_BOOT_TEMPORARY', kind: 'host', facts: { directory: temporary } };
  await expect(bootImage(options(FOREVER, { temporary }))).rejects.toMatchObject(failure);
  expect(existsSync(join(directory, 'arguments'))).toBe(false);
});

it('temporary files are made where it is said, which is made for them, by qemu too, and are gone afterwards', async () => {
  const temporary = join(directory, 'place', 'temporary');
  const { console: said } = await bootImage(options('echo "qemu has $TMPDIR"; echo up', { temporary, until: 'up' }));
  expect(said).toContain(`qemu has ${temporary}`);
  expect(runs()[0]).toMatch(new RegExp(`file=${temporary}/ict-boot-\\w+/variables-tcg.fd`));
  expect(readdirSync(temporary)).toEqual([]);
});

describe('bootImage', () => {
  it('ends qemu as soon as the text appears, in pieces and colours', async () => {
    const heard: string[] = [];
    const result = await bootImage(
      options(`printf 'Linux version 6\\r\\nREA'; printf '\\033[1mDY\\033[0m now'; ${FOREVER}`, {
        until: 'READY',
        onText: (text) => heard.push(text),
      }),
    );
    expect(result).toMatchObject({ found: true, exitCode: undefined, accel: 'tcg' });
    expect(result.console).toContain('Linux version 6\nREADY');
    expect(heard.join('')).toBe(result.console);
    expect(alive()).toBe(false);
  });

  it('finds a text in the last words of qemu', async () => {
    expect(await bootImage(options('printf READY', { until: 'READY' }))).toMatchObject({ found: true });
  });

  it('waits for the machine to turn itself off when there is no text', async () => {
    expect(await bootImage(options('echo bye'))).toMatchObject({ found: false, exitCode: 0, console: 'bye\n' });
  });

  it.each<[string, string, Partial<BootOptions>, object]>([
    [
      'ends without the text',
      'echo nothing; echo trouble >&2',
      { until: 'READY' },
      { code: 'ICT_BOOT_EXITED', facts: { exitCode: 0, qemu: 'trouble', console: 'nothing\n' } },
    ],
    [
      'fails',
      'echo "qemu: no such option" >&2; exit 1',
      {},
      { code: 'ICT_BOOT_EXITED', message: expect.stringContaining('no such option'), facts: { exitCode: 1 } },
    ],
    ['is killed', 'kill -9 $$', {}, { code: 'ICT_BOOT_EXITED', facts: { signal: 'SIGKILL' } }],
    [
      'takes too long',
      `echo slow; ${FOREVER}`,
      { timeoutMs: 300, until: 'READY' },
      { code: 'ICT_BOOT_TIMEOUT', facts: { until: 'READY', console: 'slow\n' } },
    ],
    [
      'panics',
      `echo "[ 1.0] Kernel panic - not syncing: VFS"; ${FOREVER}`,
      { until: 'READY' },
      { code: 'ICT_BOOT_PANIC', kind: 'command' },
    ],
  ])('says when it %s', async (_, script, more, error) => {
    await expect(bootImage(options(script, more))).rejects.toMatchObject(error);
    expect(alive()).toBe(false);
  });

  it('stops when the signal says so, with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = bootImage(options(`echo started; ${FOREVER}`, { signal: controller.signal, onText: () => controller.abort(reason) }));
    await expect(running).rejects.toBe(reason);
    expect(alive()).toBe(false);
    await expect(bootImage(options('exit 0', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });

  it('passes on what a listener throws', async () => {
    const reason = new Error('listener');
    const onText = (): never => {
      throw reason;
    };
    await expect(bootImage(options(`echo x; ${FOREVER}`, { onText }))).rejects.toBe(reason);
    expect(alive()).toBe(false);
  });

  it('gives qemu a variable store of its own, which is gone afterwards', async () => {
    const result = await bootImage(
      options(`for a; do case $a in *variables-*) f=\${a##*file=}; cat "$f"; echo changed > "$f"; echo "$f";; esac; done`),
    );
    const [text, file] = [result.console.slice(0, 9), result.console.slice(9).trim()];
    expect(text).toBe('variables');
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(join(directory, 'vars.fd'), 'utf8')).toBe('variables');
  });

  it('says what is not installed', async () => {
    await expect(bootImage({ ...options(''), qemu: 'qemu-system-that-nobody-has' })).rejects.toMatchObject({
      code: 'ICT_BOOT_NO_QEMU',
      kind: 'host',
    });
    const half = { code: join(directory, 'code.fd'), variables: join(directory, 'none') };
    await expect(findFirmware({ ...MACHINES.aarch64, firmware: [half] })).rejects.toMatchObject({
      code: 'ICT_BOOT_NO_FIRMWARE',
      message: expect.stringContaining('qemu-system-aarch64') as string,
      hint: expect.stringContaining('qemu-efi-aarch64') as string,
    });
    const there = { code: join(directory, 'code.fd'), variables: join(directory, 'vars.fd') };
    expect(await findFirmware({ ...MACHINES.x86_64, firmware: [{ code: '/nowhere', variables: '/nowhere' }, there] })).toBe(there);
  });
});

describe('Secure Boot', () => {
  const enrolled = (name: string): string => {
    writeFileSync(join(directory, name), variableStore([PK]));
    return join(directory, name);
  };
  const secured = (script: string, more: Partial<BootOptions> = {}): BootOptions =>
    options(script, {
      firmware: { code: join(directory, 'code.fd'), variables: enrolled('vars.fd'), requiresSmm: true },
      secureBoot: true,
      until: 'READY',
      ...more,
    });
  const DENIED = 'BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x3,0x0): Access Denied';
  const NOTHING = 'BdsDxe: No bootable option or device was found.';

  it('has a machine whose management mode guards the variables', async () => {
    await bootImage(secured('printf READY'));
    expect(runs()[0]).toContain('-M q35,smm=on -accel tcg');
    expect(runs()[0]).toContain('-global driver=cfi.pflash01,property=secure,value=on');
    await bootImage(options('exit 0'));
    expect(runs()[1]).not.toMatch(/smm|secure/u);
  });

  it('starts with a copy of the variables that are named', async () => {
    const mine = enrolled('mine.fd');
    const script = `for a; do case $a in *variables-*) cp "\${a##*file=}" '${directory}/seen'; echo changed > "\${a##*file=}";; esac; done; printf READY`;
    await bootImage(secured(script, { variables: mine }));
    expect(runs()[0]).not.toContain(mine);
    expect(readFileSync(join(directory, 'seen'))).toEqual(variableStore([PK]));
    expect(readFileSync(mine)).toEqual(variableStore([PK]));
  });

  it('is not taken for granted: variables without a key are refused, and nothing starts', async () => {
    const firmware = { code: join(directory, 'code.fd'), variables: join(directory, 'empty.fd') };
    writeFileSync(firmware.variables, variableStore([]));
    await expect(bootImage(secured('printf READY', { firmware }))).rejects.toMatchObject({ code: 'ICT_BOOT_NO_FIRMWARE' });
    await expect(bootImage(secured('printf READY', { variables: firmware.variables }))).rejects.toMatchObject({
      code: 'ICT_BOOT_VARIABLES',
    });
    expect(existsSync(join(directory, 'arguments'))).toBe(false);
  });

  it.each<[string, string, Partial<BootOptions>]>([
    ['at once when nothing else is left', `echo '${DENIED}'; echo '${NOTHING}'; ${FOREVER}`, {}],
    ['when the machine then turns itself off', `echo '${DENIED}'`, {}],
    ['also when that was awaited', `echo '${DENIED}'`, { until: undefined }],
    ['when it waits', `echo '${DENIED}'; ${FOREVER}`, { timeoutMs: 300 }],
  ])('says that the firmware refused the image %s', async (_, script, more) => {
    const { until, ...rest } = secured(script, more);
    await expect(bootImage({ ...rest, ...(until === undefined ? {} : { until }) })).rejects.toMatchObject({
      code: 'ICT_BOOT_REFUSED',
      kind: 'integrity',
      facts: { refusal: DENIED, firmware: { code: join(directory, 'code.fd') } },
    });
    expect(alive()).toBe(false);
  });

  it('does not try again under TCG what firmware refused under KVM', async () => {
    const kvm = { device: join(directory, 'disk.raw'), guestsOnly: join(directory, 'none') };
    const script = `echo '${DENIED}'; echo '${NOTHING}'; ${FOREVER}`;
    await expect(bootImage(secured(script, { accel: 'auto', kvm }))).rejects.toMatchObject({ facts: { accel: 'kvm' } });
    expect(runs()).toHaveLength(1);
  });

  it.each([
    [DENIED, true],
    [`${DENIED} -- rejected probably by Secure Boot`, true],
    ['../src/boot/boot.c:2576@image_start: Error loading \\EFI\\Linux\\debian.efi: Access denied', true],
    ['BdsDxe: failed to start Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x2,0x0): Security Violation', true],
    ['Verification failed: (0x1A) Security Violation', true],
    ['BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x2,0x0): Not Found', false],
    ['BdsDxe: failed to start Boot0002 "EFI Internal Shell" from Fv(7CB8BDC9)/FvFile(7C04A583): Security Violation', false],
    ['login[1]: Access denied', false],
  ])('takes %j for a refusal: %o', (line, expected) => {
    expect(findRefusal(`before\n${line}\nafter\n`)).toBe(expected ? line : undefined);
  });

  it.each([
    ['of another entry than the one that starts', `echo '${DENIED}'; echo 'Linux version 6'; echo READY`, { found: true }],
    ['after the kernel', `echo 'Linux version 6'; echo 'sshd: Access denied'; exit 1`, { code: 'ICT_BOOT_EXITED' }],
  ])('takes no word %s for it', async (_, script, expected) => {
    expect(await bootImage(secured(script)).catch((error: unknown) => error)).toMatchObject(expected);
  });
});

describe('an initrd', () => {
  const write = (...names: string[]): string => {
    for (const name of names) writeFileSync(join(directory, name), name.endsWith('.cmdline') ? 'console=ttyS0 quiet\n' : name);
    return join(directory, names[0] as string);
  };

  it.each(['os-1.0.cpio', 'os-1.0.cpio.gz', 'os-1.0.cpio.xz', 'os-1.0.cpio.zst', 'os-1.0.cpio.bz2'])(
    'is started by the kernel beside it when it is called %s, with more memory and no firmware',
    async (name) => {
      const image = write(name, 'os-1.0.vmlinuz', 'os-1.0.cmdline');
      expect(await bootImage(withoutUefi('printf READY', { image, until: 'READY' }))).toMatchObject({ found: true });
      const stem = join(directory, 'os-1.0');
      expect(runs()[0]).toContain(`-kernel ${stem}.vmlinuz -initrd ${image} -append console=ttyS0 quiet`);
      expect(runs()[0]).toContain('-m 2048');
    },
  );

  it.each<[string, string[]]>([
    ['its kernel', ['os.cpio.gz', 'os.cmdline']],
    ['the command line', ['os.cpio.gz', 'os.vmlinuz']],
  ])('is refused without %s', async (_, names) => {
    const image = write(...names);
    await expect(bootImage(withoutUefi('exit 0', { image }))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE', facts: { path: image } });
  });

  it.each<[Partial<BootOptions>, string]>([
    [{ asDisk: true }, '--as-disk'],
    [{ secureBoot: true }, '--secure-boot'],
    [{ variables: '/nowhere' }, '--firmware-vars'],
    [{ firmwareKind: 'bios' }, '--firmware'],
    [{ firmwareKind: 'uefi' }, '--firmware'],
    [{ firmware: { code: '/nowhere', variables: '/nowhere' } }, 'the UEFI'],
  ])('is refused with %o', async (how, flag) => {
    const image = write('os.cpio.gz', 'os.vmlinuz', 'os.cmdline');
    await expect(bootImage(withoutUefi('exit 0', { image, ...how }))).rejects.toMatchObject({
      code: 'ICT_BOOT_IMAGE',
      hint: expect.stringContaining(flag) as string,
    });
  });

  it('is refused when it is not there', async () => {
    write('os.vmlinuz', 'os.cmdline');
    const image = join(directory, 'os.cpio.gz');
    await expect(bootImage(withoutUefi('exit 0', { image }))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE' });
  });
});

it('a virtual disk is a disk in its own format, whose changes are dropped', async () => {
  const image = join(directory, 'os.vhdx');
  writeFileSync(image, 'vhdxfile');
  await bootImage(options('printf READY', { image, until: 'READY' }));
  expect(runs()[0]).toContain(`-drive if=virtio,format=vhdx,snapshot=on,file=${image}`);
});

describe('a disk for a BIOS', () => {
  /** One of which the manifest beside it says so. */
  const disk = (): string => {
    writeFileSync(join(directory, 'bios.raw'), 'a disk');
    writeFileSync(join(directory, 'bios.manifest.json'), '{"target":{"firmware":"bios"}}');
    return join(directory, 'bios.raw');
  };
  const started = async (more: Partial<BootOptions>): Promise<string> => {
    await bootImage(withoutUefi('printf READY', { until: 'READY', ...more }));
    return runs().at(-1) ?? '';
  };

  it('is started without UEFI, and writes to the serial console', async () => {
    const argv = await started({ image: disk() });
    expect(argv).toContain('-M q35,graphics=off');
    expect(argv).toContain('-drive if=virtio,format=raw,snapshot=on');
    expect(argv).not.toContain('if=pflash');
  });

  it('is what it is called', async () => {
    expect(await started({ firmwareKind: 'bios' })).not.toContain('if=pflash');
    expect(await started({ image: disk(), firmwareKind: 'uefi', firmware: uefi() })).toContain('if=pflash');
  });

  it.each<[string, Partial<BootOptions>, string]>([
    ['with Secure Boot', { secureBoot: true }, '--secure-boot'],
    ['with variables', { variables: '/nowhere' }, '--firmware-vars'],
    ['with a UEFI', { firmware: { code: '/nowhere', variables: '/nowhere' } }, '--firmware uefi'],
    ['with a UEFI, where a BIOS is asked for', { firmwareKind: 'bios', firmware: { code: '/nowhere', variables: '/nowhere' } }, 'the UEFI'],
    ['on a machine that has none', { architecture: 'aarch64', firmwareKind: 'bios' }, '--arch'],
  ])('is refused %s', async (_, how, flag) => {
    await expect(bootImage(withoutUefi('exit 0', { image: disk(), ...how }))).rejects.toMatchObject({
      code: 'ICT_BOOT_IMAGE',
      hint: expect.stringContaining(flag) as string,
    });
    expect(existsSync(join(directory, 'arguments'))).toBe(false);
  });
});

describe('an ISO image', () => {
  const written = (): string => {
    const image = join(directory, 'live.iso');
    writeFileSync(image, Buffer.concat([Buffer.alloc(16 * 2048), Buffer.from('\x01CD001\x01'), Buffer.alloc(2041)]));
    return image;
  };

  it.each<[string, boolean | undefined, (image: string) => string]>([
    ['is a disc', undefined, (image) => `-drive if=ide,media=cdrom,format=raw,readonly=on,file=${image}`],
    ['is a disk when that is asked for', true, (image) => `-drive if=virtio,format=raw,snapshot=on,file=${image}`],
  ])('%s of a machine with firmware and more memory', async (_, asDisk, drive) => {
    const image = written();
    await bootImage(options('printf READY', { image, until: 'READY', ...(asDisk === undefined ? {} : { asDisk }) }));
    expect(runs()[0]).toContain(drive(image));
    expect(runs()[0]).toContain('-m 2048');
    expect(runs()[0]).toContain('-drive if=pflash');
  });

  it('is started by a BIOS when that is asked for, and then by no UEFI', async () => {
    const how = { image: written(), until: 'READY', firmwareKind: 'bios' } as const;
    await bootImage(withoutUefi('printf READY', how));
    expect(runs()[0]).toContain('-drive if=ide,media=cdrom');
    expect(runs()[0]).not.toContain('if=pflash');
    await expect(bootImage(options('printf READY', how))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE' });
  });
});

describe('accel: auto', () => {
  const kvm = (extra: readonly string[] = []) => {
    const place = { device: join(directory, 'kvm'), guestsOnly: join(directory, 'pvm') };
    writeFileSync(place.device, '');
    extra.forEach((name) => mkdirSync(join(directory, name)));
    return place;
  };
  const both = (underKvm: string) => `case "$*" in *'-accel kvm'*) ${underKvm};; *) echo "Linux version"; echo READY;; esac`;

  it('keeps to KVM when a kernel starts under it', async () => {
    const result = await bootImage(options(both('echo "Linux version"; echo READY'), { accel: 'auto', until: 'READY', kvm: kvm() }));
    expect([result.accel, runs().length]).toEqual(['kvm', 1]);
  });

  it.each([
    ['nothing shows', `echo "Probing EDD ... ok"; ${FOREVER}`],
    ['qemu refuses it', 'echo "failed to initialize kvm" >&2; exit 1'],
  ])('falls back to TCG when %s', async (_, underKvm) => {
    const result = await bootImage(options(both(underKvm), { accel: 'auto', until: 'READY', kvm: kvm(), probeMs: 200 }));
    expect([result.accel, runs().length]).toEqual(['tcg', 2]);
  });

  it('does not blame KVM for what comes after the kernel', async () => {
    const script = both(`echo "Linux version"; echo "Kernel panic - not syncing"; ${FOREVER}`);
    await expect(bootImage(options(script, { accel: 'auto', until: 'READY', kvm: kvm() }))).rejects.toMatchObject({
      code: 'ICT_BOOT_PANIC',
      facts: { accel: 'kvm' },
    });
  });

  it.each<[string, () => BootOptions['kvm']]>([
    ['that runs only kernels made for it', () => kvm(['pvm'])],
    ['that is not there', () => ({ device: join(directory, 'none'), guestsOnly: join(directory, 'pvm') })],
  ])('does not try a KVM %s', async (_, place) => {
    const result = await bootImage(
      options(both('exit 1'), { accel: 'auto', until: 'READY', ...{ kvm: place() as NonNullable<BootOptions['kvm']> } }),
    );
    expect([result.accel, runs().length]).toEqual(['tcg', 1]);
  });
});

describe('qemuArguments', () => {
  const settings = {
    architecture: 'x86_64',
    memoryMiB: 512,
    cpus: 1,
    start: { kind: 'disk', image: '/a,b/disk', format: 'qcow2', firmware: { code: '/c', variables: '/v' } },
    extraArgs: ['-nic', 'user'],
  } as const;

  it.each([
    ['tcg', { major: 10, minor: 0 }, '-accel tcg,thread=multi -cpu max,-erms -m 512 -smp 1'],
    ['tcg', { major: 7, minor: 2 }, '-accel tcg,thread=multi -cpu max,-erms,-cx16 -m 512'],
    ['tcg', undefined, '-cpu max,-erms -m 512'],
    ['kvm', { major: 7, minor: 2 }, '-accel kvm -cpu host -m 512 -smp 1'],
  ] as const)('names the accelerator %s, and with qemu %o the processor', (accel, version, expected) => {
    expect(qemuArguments({ ...settings, accel, ...(version === undefined ? {} : { version }) }).join(' ')).toContain(expected);
  });

  it('leaves the image as it is, quotes commas, has no network, and puts more at the end', () => {
    const argv = qemuArguments({ ...settings, accel: 'tcg' });
    expect(argv).toContain('if=virtio,format=qcow2,snapshot=on,file=/a,,b/disk');
    expect(argv.join(' ')).toContain('-no-reboot -nic none');
    expect(argv.slice(-2)).toEqual(['-nic', 'user']);
  });

  it('hands a kernel to qemu itself, without firmware or disk', () => {
    const start = { kind: 'kernel', kernel: '/a,b/k', initrd: '/i', commandLine: 'console=ttyS0 quiet' } as const;
    const argv = qemuArguments({ ...settings, start, accel: 'tcg' });
    expect(argv.slice(-8)).toEqual(['-kernel', '/a,b/k', '-initrd', '/i', '-append', 'console=ttyS0 quiet', '-nic', 'user']);
    expect(argv).not.toContain('-drive');
  });
});

describe('a machine of aarch64', () => {
  it('is a virt with a processor that signs pointers cheaply, and a disc on SCSI', async () => {
    const image = join(directory, 'live.iso');
    writeFileSync(image, Buffer.concat([Buffer.alloc(16 * 2048), Buffer.from('\x01CD001\x01'), Buffer.alloc(2041)]));
    await bootImage(options('printf READY', { image, until: 'READY', architecture: 'aarch64' }));
    expect(runs()[0]).toContain('-M virt,gic-version=max -accel tcg,thread=multi -cpu max,pauth-impdef=on');
    expect(runs()[0]).toContain('-device scsi-cd,drive=disc -drive if=none,id=disc,media=cdrom');
  });

  it('is what an image has whose manifest says so, and is never tried under KVM of another processor', async () => {
    writeFileSync(join(directory, 'disk.manifest.json'), '{"target":{"arch":"aarch64"}}');
    const kvm = { device: join(directory, 'disk.raw'), guestsOnly: join(directory, 'none') };
    expect(await bootImage(options('printf READY', { until: 'READY', accel: 'auto', kvm }, {}))).toMatchObject({
      found: true,
      accel: 'tcg',
    });
    expect(runs()[0]).toContain('-M virt');
  });

  it('is not what other architectures are started in', async () => {
    writeFileSync(join(directory, 'disk.manifest.json'), '{"target":{"arch":"armv7hl"}}');
    await expect(bootImage(options('exit 0', {}, {}))).rejects.toMatchObject({
      code: 'ICT_BOOT_IMAGE',
      message: expect.stringContaining('armv7hl') as string,
    });
  });
});

it.each([
  ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)', { major: 7, minor: 2 }],
  ['QEMU emulator version 10.0.13', { major: 10, minor: 0 }],
  ['hello', undefined],
])('reads %j', (printed, expected) => {
  expect(parseQemuVersion(printed)).toEqual(expected);
});

it('tells the arguments by the version that the program has', async () => {
  await bootImage(options('exit 0'));
  expect(runs()[0]).toContain('-cpu max,-erms,-cx16');
});

it('has a page for each error', () => {
  const pages = readdirSync(new URL('../../../docs/errors/', import.meta.url));
  expect(Object.keys(bootError.codes).filter((code) => !pages.includes(`${code}.md`))).toEqual([]);
});
