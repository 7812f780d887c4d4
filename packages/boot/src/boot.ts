import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, constants, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { errnoOf, isDiskFull } from '@ict/integrity';
import { hostArchitecture } from '@ict/plugin-api';
import { ConsoleText } from './console.js';
import { bootError } from './errors.js';
import { findFirmware, type Firmware } from './firmware.js';
import { imageArchitecture } from './image-architecture.js';
import { imageFirmware, type FirmwareKind } from './image-firmware.js';
import { imageFileFormat, type ImageFileFormat } from './image-file.js';
import { findInitrdImage } from './initrd-image.js';
import { MACHINES, type Accelerator, type Machine, type MachineArchitecture, type QemuVersion } from './machine.js';
import { parseQemuVersion, qemuArguments, type Start } from './qemu.js';
import { findRefusal, NOTHING_LEFT } from './refusal.js';

export interface BootOptions {
  /**
   * The disk image, raw or virtual (qcow2, vhd, vhdx, vmdk, vdi), or an ISO image, told apart by its bytes, which is not changed; or an initrd whose name ends in `.cpio` or
   * `.cpio.gz` and so on, with its kernel and the kernel's command line beside it (NAME.vmlinuz, NAME.cmdline).
   */
  readonly image: string;
  /** Of the machine. Default: what the manifest beside the image says, or else that of this machine. */
  readonly architecture?: MachineArchitecture;
  /** Starts an ISO image as one starts that was written to a disk or a USB stick, and not from a drive for discs. Default false. */
  readonly asDisk?: boolean;
  /** The boot succeeds as soon as this appears on the console; without it, when the machine turns itself off. */
  readonly until?: string;
  /** Default 300 000. */
  readonly timeoutMs?: number;
  /** Default 1024; 2048 for an initrd, also on an ISO image: it is in memory twice while it is unpacked. */
  readonly memoryMiB?: number;
  /** Default 2. */
  readonly cpus?: number;
  /** Gets the console's text as it appears, without escape sequences. */
  readonly onText?: (text: string) => void;
  readonly signal?: AbortSignal;
  /**
   * Default `auto`: KVM when the image is for this machine's architecture, /dev/kvm can be opened, is not known to run only special kernels, and
   * a kernel or `until` shows within `probeMs`; TCG otherwise.
   */
  readonly accel?: 'auto' | Accelerator;
  /** How long `auto` waits for `Linux version` under KVM. Default 10 000. */
  readonly probeMs?: number;
  /** What kind of firmware starts a disk or an ISO image. Default: what the manifest beside a disk says, or the disk itself; UEFI for ISO images. */
  readonly firmwareKind?: FirmwareKind;
  /** Which UEFI starts a disk or an ISO image; where none does it is refused. Default: the first that the host has and that does what `secureBoot` and `variables` ask for. */
  readonly firmware?: Firmware;
  /** The firmware starts nothing but what is signed with a key in its variables. Default false. */
  readonly secureBoot?: boolean;
  /** A variable store for the firmware, which is not changed: one in which own keys are enrolled. Default: the template that comes with the firmware. */
  readonly variables?: string;
  /** Directory for temporary files, those with what the guest writes among them; made where it is not there. Default: that of the system, and of qemu. */
  readonly temporary?: string;
  /** Further arguments of qemu, after ICT's own. */
  readonly extraArgs?: readonly string[];
  /** Name or path of qemu. Default: that of the architecture, as `qemu-system-x86_64`. */
  readonly qemu?: string;
  /** Device file and marker that `auto` looks at; for tests. */
  readonly kvm?: { readonly device: string; readonly guestsOnly: string };
}

export interface BootResult {
  /** True when `until` appeared. */
  readonly found: boolean;
  /** From the start of the run that answered, in milliseconds. */
  readonly durationMs: number;
  /** qemu's exit status; undefined when it was ended because `until` appeared. */
  readonly exitCode: number | undefined;
  /** The last 64 KiB of the console. */
  readonly console: string;
  readonly accel: Accelerator;
}

const PANIC = 'Kernel panic - not syncing';
const KERNEL = 'Linux version';
/** The module behind /dev/kvm on hosts whose KVM runs only kernels made for it (pagetable virtual machines). */
const KVM = { device: '/dev/kvm', guestsOnly: '/sys/module/kvm_pvm' };

/** How one run of qemu ended. */
type Ending =
  | { readonly kind: 'found' | 'timeout' | 'panic' | 'silent' | 'refused' }
  | { readonly kind: 'exited'; readonly exitCode: number | undefined; readonly by: NodeJS.Signals | undefined };

/**
 * Boots an image in qemu, a disk by UEFI or a BIOS, a disc by UEFI and an initrd by its kernel, and waits for a text on its serial console, or for the machine to
 * turn itself off.
 *
 * qemu ends when the text appeared, at the time limit, when the signal aborts, and when this process dies.
 *
 * @throws `ICT_BOOT_NO_QEMU`, `ICT_BOOT_NO_FIRMWARE`, `ICT_BOOT_VARIABLES`, `ICT_BOOT_IMAGE`, `ICT_BOOT_TEMPORARY` before anything starts; `ICT_BOOT_TIMEOUT`,
 *   `ICT_BOOT_PANIC`, `ICT_BOOT_REFUSED` or `ICT_BOOT_EXITED` with the console's end in `facts.console`; the signal's reason when it aborts.
 */
export async function bootImage(options: BootOptions): Promise<BootResult> {
  options.signal?.throwIfAborted();
  const architecture = options.architecture ?? (await machineFor(options.image));
  const machine = MACHINES[architecture];
  const qemu = options.qemu ?? machine.program;
  const program = await findProgram(qemu);
  if (program === undefined) {
    const { debian, fedora } = machine.packages;
    throw bootError('ICT_BOOT_NO_QEMU', {
      message: `${qemu} is not installed`,
      hint: `Install it: "apt-get install ${debian.qemu} ${debian.firmware}" on Debian and Ubuntu, "dnf install ${fedora.qemu} ${fedora.firmware}" on Fedora.`,
    });
  }
  const { start, holdsInitrd } = await findStart(options, machine);
  const version = await versionOf(program, options.signal);
  const guard = await findProgram('setpriv');
  const temporary = options.temporary ?? tmpdir();
  const unwritten = (cause: unknown): never => throwUnwritten(cause, temporary);
  if (options.temporary !== undefined) await mkdir(temporary, { recursive: true }).catch(unwritten);
  const directory = await mkdtemp(join(temporary, 'ict-boot-')).catch(unwritten);
  try {
    const attempt = async (accel: Accelerator, probeMs: number | undefined): Promise<Attempt> => {
      const argv = qemuArguments({
        architecture,
        accel,
        ...(version === undefined ? {} : { version }),
        memoryMiB: options.memoryMiB ?? (holdsInitrd ? 2048 : 1024),
        cpus: options.cpus ?? 2,
        start: await withOwnVariables(start, join(directory, `variables-${accel}.fd`)).catch(unwritten),
        extraArgs: options.extraArgs ?? [],
      });
      const command = guard === undefined ? [program, ...argv] : [guard, '--pdeathsig', 'KILL', '--', program, ...argv];
      return runOnce(command as [string, ...string[]], accel, probeMs, options);
    };
    const probing = options.accel === undefined || options.accel === 'auto';
    if (probing && architecture === hostArchitecture() && (await kvmMayWork(options.kvm ?? KVM))) {
      const { ending, ...seen } = await attempt('kvm', options.probeMs ?? 10_000);
      // Under KVM anything else means that KVM is of no use here; the image itself is judged under TCG.
      if (seen.kernel || ending.kind === 'found' || ending.kind === 'refused') return judge(ending, seen, options, machine, start);
    }
    const { ending, ...seen } = await attempt(options.accel === 'kvm' ? 'kvm' : 'tcg', undefined);
    return judge(ending, seen, options, machine, start);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @throws `ICT_BOOT_IMAGE` when the image is for an architecture of which there is no machine. */
async function machineFor(image: string): Promise<MachineArchitecture> {
  const architecture = (await imageArchitecture(resolve(image))) ?? hostArchitecture();
  if (Object.hasOwn(MACHINES, architecture)) return architecture as MachineArchitecture;
  throw bootError('ICT_BOOT_IMAGE', {
    message: `The image ${image} is for ${architecture}, of which no machine can be started`,
    hint: `Machines are of ${Object.keys(MACHINES).join(' or ')}: name another with --arch where the image is for it.`,
    facts: { path: image, architecture },
  });
}

/** What the machine is to start, and whether the whole system goes into its memory. */
async function findStart(
  { image, asDisk = false, secureBoot = false, variables, firmware, firmwareKind }: BootOptions,
  machine: Machine,
): Promise<{ readonly start: Start; readonly holdsInitrd: boolean }> {
  const file = resolve(image);
  const initrd = await findInitrdImage(file);
  if (initrd !== undefined) {
    const refuse = (how: string, flag: string): Error =>
      bootError('ICT_BOOT_IMAGE', {
        message: `The image ${image} is an initrd, which no machine starts ${how}`,
        hint: `Leave out ${flag}, or build a raw or ISO image.`,
        facts: { path: image },
      });
    if (asDisk) throw refuse('from a disk', '--as-disk');
    if (secureBoot) throw refuse('through firmware with Secure Boot', '--secure-boot');
    if (variables !== undefined) throw refuse('through firmware with variables', '--firmware-vars');
    if (firmwareKind !== undefined) throw refuse('through firmware', '--firmware');
    if (firmware !== undefined) throw refuse('through a UEFI', 'the UEFI');
    return { start: { kind: 'kernel', ...initrd }, holdsInitrd: true };
  }
  const format = await imageFileFormat(image);
  const isDisc = format === 'iso' && !asDisk;
  const holdsInitrd = format === 'iso';
  if ((firmwareKind ?? (format === 'iso' ? 'uefi' : await imageFirmware(file, format, machine))) === 'bios') {
    requireBios(image, machine, { secureBoot, variables, firmware });
    return { start: isDisc ? { kind: 'disc', image: file } : { kind: 'disk', format: diskFormat(format), image: file }, holdsInitrd };
  }
  const needs = {
    secureBoot,
    ...(variables === undefined ? {} : { variables: resolve(variables) }),
    ...(firmware === undefined ? {} : { firmware }),
  };
  const byFirmware = { image: file, firmware: await findFirmware(machine, needs) };
  return { start: isDisc ? { kind: 'disc', ...byFirmware } : { kind: 'disk', format: diskFormat(format), ...byFirmware }, holdsInitrd };
}

/** An ISO image on a disk is a raw one. */
function diskFormat(format: ImageFileFormat): Exclude<ImageFileFormat, 'iso'> {
  return format === 'iso' ? 'raw' : format;
}

/** @throws `ICT_BOOT_IMAGE` where no BIOS can start the image as it is asked for. */
function requireBios(
  image: string,
  { hasBios, program }: Machine,
  { secureBoot, variables, firmware }: Pick<BootOptions, 'secureBoot' | 'variables' | 'firmware'>,
): void {
  const refuse = (why: string, hint: string): Error =>
    bootError('ICT_BOOT_IMAGE', {
      message: `The image ${image} is to be started by legacy firmware (BIOS), ${why}`,
      hint,
      facts: { path: image },
    });
  if (!hasBios)
    throw refuse(`which ${program} does not have`, 'Leave out --firmware bios, or name the architecture of the image with --arch.');
  if (secureBoot === true)
    throw refuse('which knows no Secure Boot', 'Leave out --secure-boot, or build the image with systemConfig.bootloader.bootType: efi.');
  if (variables !== undefined) throw refuse('which has no variables', 'Leave out --firmware-vars.');
  if (firmware !== undefined)
    throw refuse('which no UEFI is', 'Leave out the UEFI, or say that one starts the image, as --firmware uefi does.');
}

/** The same with a variable store of its own, which firmware writes to. @param file where that goes. */
async function withOwnVariables(start: Start, file: string): Promise<Start> {
  if (start.kind === 'kernel' || start.firmware === undefined) return start;
  await copyFile(start.firmware.variables, file, constants.COPYFILE_FICLONE);
  return { ...start, firmware: { ...start.firmware, variables: file } };
}

/** @throws `ICT_BOOT_TEMPORARY` for what the system refused of a temporary file. */
function throwUnwritten(cause: unknown, directory: string): never {
  throw bootError('ICT_BOOT_TEMPORARY', {
    message: `${directory} takes no variable store of the firmware: ${isDiskFull(cause) ? 'its disk is full' : (errnoOf(cause) ?? String(cause))}`,
    hint: 'Free space there, or name another directory for temporary files: ICT_TEMP_DIR, or temp_dir of the configuration.',
    facts: { directory },
    cause,
  });
}

/** What one run showed. */
interface Seen {
  readonly accel: Accelerator;
  readonly durationMs: number;
  readonly console: string;
  /** True when a kernel announced itself. */
  readonly kernel: boolean;
  /** The end of what qemu said on its standard error. */
  readonly complaint: string;
}

type Attempt = Seen & { readonly ending: Ending };

async function runOnce(
  command: readonly [string, ...string[]],
  accel: Accelerator,
  probeMs: number | undefined,
  options: BootOptions,
): Promise<Attempt> {
  const { until, onText, signal, temporary, timeoutMs = 300_000 } = options;
  const started = performance.now();
  const text = new ConsoleText();
  let kernel = false;
  let complaint = '';
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(temporary === undefined ? {} : { env: { ...process.env, TMPDIR: temporary } }),
  });
  const timers: NodeJS.Timeout[] = [];
  let onAbort: (() => void) | undefined;
  try {
    const ending = await new Promise<Ending>((done, fail) => {
      child.once('error', fail);
      onAbort = () => fail(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      timers.push(setTimeout(() => done({ kind: 'timeout' }), timeoutMs));
      if (probeMs !== undefined) timers.push(setTimeout(() => (kernel ? undefined : done({ kind: 'silent' })), probeMs));
      child.stderr.on('data', (bytes: Buffer) => {
        complaint = (complaint + bytes.toString()).slice(-8192);
      });
      child.stdout.on('data', (bytes: Buffer) => {
        const piece = text.write(bytes);
        if (piece.text === '') return;
        try {
          onText?.(piece.text);
        } catch (error) {
          fail(error);
        }
        kernel ||= piece.has(KERNEL);
        if (until !== undefined && piece.has(until)) done({ kind: 'found' });
        else if (piece.has(PANIC)) done({ kind: 'panic' });
        else if (piece.has(NOTHING_LEFT) && !kernel && findRefusal(text.tail) !== undefined) done({ kind: 'refused' });
      });
      // `close` comes after the last of the output, so a text in it is found first.
      child.once('close', (exitCode, by) => done({ kind: 'exited', exitCode: exitCode ?? undefined, by: by ?? undefined }));
    });
    return { ending, accel, durationMs: Math.round(performance.now() - started), console: text.tail, kernel, complaint: complaint.trim() };
  } finally {
    timers.forEach((timer) => clearTimeout(timer));
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    await stop(child);
  }
}

/** Ends qemu and waits until it is gone: nothing of it is worth saving. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolved) => child.once('exit', resolved));
  child.kill('SIGKILL');
  await gone;
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function judge(ending: Ending, seen: Seen, options: BootOptions, machine: Machine, start: Start): BootResult {
  const { accel, durationMs, console } = seen;
  if (ending.kind === 'found') return { found: true, durationMs, exitCode: undefined, console, accel };
  const refusal = seen.kernel ? undefined : findRefusal(console);
  if (ending.kind === 'exited' && ending.exitCode === 0 && options.until === undefined && refusal === undefined)
    return { found: false, durationMs, exitCode: 0, console, accel };
  const wanted = options.until === undefined ? 'the machine turned itself off' : `"${options.until}" appeared on its console`;
  const facts = { image: options.image, until: options.until, accel, durationMs, console, qemu: seen.complaint };
  if (refusal !== undefined) {
    throw bootError('ICT_BOOT_REFUSED', {
      message: `Secure Boot refused what ${options.image} starts: ${refusal}`,
      hint: 'Sign it with a key whose certificate is enrolled in the variables of the firmware, and name these with --firmware-vars.',
      facts: { ...facts, refusal, firmware: start.kind === 'kernel' ? undefined : start.firmware },
    });
  }
  if (ending.kind === 'panic') {
    throw bootError('ICT_BOOT_PANIC', {
      message: `The kernel of ${options.image} panicked before ${wanted}`,
      hint: 'The end of the console, in the facts of this error, says why.',
      facts,
    });
  }
  if (ending.kind === 'exited') {
    const how = ending.by === undefined ? `with status ${ending.exitCode}` : `by ${ending.by}`;
    throw bootError('ICT_BOOT_EXITED', {
      message: `qemu ended ${how} before ${wanted}${seen.complaint === '' ? '' : `: ${seen.complaint.split('\n').at(-1) ?? ''}`}`,
      hint: 'The end of the console and what qemu said are in the facts of this error.',
      facts: { ...facts, exitCode: ending.exitCode, signal: ending.by },
    });
  }
  const missed = options.until === undefined ? 'the machine did not turn itself off' : `"${options.until}" did not appear on its console`;
  throw bootError('ICT_BOOT_TIMEOUT', {
    message: `${options.image} ran for ${Math.round(durationMs / 1000)} s, and ${missed}`,
    hint: `Give it more time on a slow or busy machine, and see that the kernel command line has console=${machine.console}. The machine was ${machine.program}; --arch takes another.`,
    facts,
  });
}

/** False when KVM is absent, not ours to use, or of the kind that runs no distribution's kernel. */
async function kvmMayWork({ device, guestsOnly }: { readonly device: string; readonly guestsOnly: string }): Promise<boolean> {
  return (await accessible(device, constants.R_OK | constants.W_OK)) && !(await accessible(guestsOnly, constants.F_OK));
}

/** Asks a qemu for its version; one that does not say is taken for a new one. */
function versionOf(program: string, signal: AbortSignal | undefined): Promise<QemuVersion | undefined> {
  return new Promise((done, fail) => {
    execFile(program, ['--version'], { timeout: 10_000 }, (error, stdout) => {
      if (signal?.aborted === true) fail(signal.reason);
      else done(error === null ? parseQemuVersion(stdout) : undefined);
    });
  });
}

async function findProgram(name: string): Promise<string | undefined> {
  if (name.includes('/')) return (await accessible(name, constants.X_OK)) ? resolve(name) : undefined;
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory !== '' && (await accessible(join(directory, name), constants.X_OK))) return join(directory, name);
  }
  return undefined;
}

async function accessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
