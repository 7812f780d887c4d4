import { MACHINES, type MachineArchitecture } from '@ict/boot';
import { hostArchitecture } from '@ict/plugin-api';
import type { HostCheck, MachineNeeds } from '@ict/sandbox';
import { inspectHost } from '@ict/sandbox';
import { cliError } from '../errors.js';
import { mendingCommands, missingPackages } from '../mending.js';
import { findCacheHome } from '../open-cache.js';
import type { DoctorFlags } from '../tool-commands.js';
import { bucketChecks } from '../s3-checks.js';
import { secureBootCheck } from '../secure-boot-check.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import type { Colors } from '../views/terminal.js';
import { plainText, table } from '../views/terminal-text.js';

/** Room for packages, layers and one small image. */
const WANTED_BYTES = 3 * 1024 ** 3;

/** `ict doctor`: what this machine lacks; 7 when builds, or what `--for` names, cannot work. */
export async function doctor(session: Session, flags: DoctorFlags): Promise<number> {
  let checks = await inspect(session, flags);
  if (flags.install === true && (await installMissing(session, checks))) checks = await inspect(session, flags);
  const ok = checks.every((check) => check.ok || !check.required);
  const commands = mendingCommands(checks, session.surroundings.uid === 0);
  session.document({ ok, checks, commands });
  session.result(doctorText(checks, commands, session.terminal.resultColors));
  if (ok) return 0;
  const lacking = checks.filter((check) => check.required && !check.ok).map((check) => check.name);
  if (session.terminal.json) return 7;
  throw cliError('ICT_CLI_HOST_MISSING', {
    message: `this machine lacks: ${lacking.join(', ')}`,
    hint: commands.length === 0 ? 'See the checks above.' : `To mend it: ${commands.join('; ')}`,
    facts: { lacking, commands },
  });
}

/** Checks for builds and, unless only these were asked for, for `ict boot`, which a machine need not be able to do. */
async function inspect(session: Session, flags: DoctorFlags): Promise<readonly HostCheck[]> {
  const settings = await takeSettings(session, flags);
  const { engine } = settings;
  const { cacheDir, treesDir } = await findCacheHome(engine);
  const borrowed = cacheDir !== engine.cacheDir;
  const written = new Map([[engine.workDir, true] as const, ...(borrowed ? [] : [[cacheDir, treesDir === undefined] as const])]);
  const directories = [...written].map(([path, trees]) => ({ path, wantedBytes: WANTED_BYTES, trees }));
  const { signal } = session;
  const forImages = flags.arch === undefined ? {} : { architecture: flags.arch };
  const checks = new Map<string, HostCheck>();
  const add = (found: readonly HostCheck[], required: boolean): void =>
    found.forEach((check) => {
      if (!checks.has(`${check.name} ${check.detail}`))
        checks.set(`${check.name} ${check.detail}`, required ? check : { ...check, required: false });
    });
  if (flags.for !== 'boot') add(await inspectHost({ purpose: 'build', directories, ...forImages, signal }), true);
  if (flags.for !== 'boot' && borrowed) {
    add([cacheDirectory(`${engine.cacheDir} can only be read: what has to be kept goes to ${cacheDir}`)], false);
  }
  if (flags.for !== 'boot' && treesDir !== undefined) {
    add([cacheDirectory(`${cacheDir} takes no trees: they are made and kept in ${treesDir}, and go there as archives`)], false);
  }
  if (flags.for !== 'boot') add(await bucketChecks(settings, session.surroundings.env, signal), false);
  if (flags.for !== 'build') {
    const architecture = flags.arch ?? bootedArchitecture();
    add(await inspectHost({ purpose: 'boot', machine: machineNeeds(architecture), signal }), flags.for === 'boot');
    add([await secureBootCheck(MACHINES[architecture])], false);
  }
  return [...checks.values()];
}

/** The architecture of this machine, where images of it can be booted. */
function bootedArchitecture(): MachineArchitecture {
  const own = hostArchitecture();
  return Object.hasOwn(MACHINES, own) ? (own as MachineArchitecture) : 'x86_64';
}

/** What a machine to boot images in needs. */
function machineNeeds(architecture: MachineArchitecture): MachineNeeds {
  const { program, packages, firmware } = MACHINES[architecture];
  const { qemu, firmware: firmwarePackage } = packages.debian;
  return { program, package: qemu, firmware, firmwarePackage, native: architecture === hostArchitecture() };
}

function cacheDirectory(detail: string): HostCheck {
  return { name: 'cache directory', ok: true, detail, required: false };
}

/** @returns whether something was installed. @throws `ICT_CLI_INSTALL_FAILED` */
async function installMissing(session: Session, checks: readonly HostCheck[]): Promise<boolean> {
  const packages = missingPackages(checks);
  if (packages.length === 0) return false;
  const failed = (message: string): Error =>
    cliError('ICT_CLI_INSTALL_FAILED', {
      message,
      hint: `Install by hand: ${packages.join(' ')}`,
      facts: { packages },
    });
  if (session.surroundings.uid !== 0) throw failed('--install works as root only');
  session.note(`installing with apt-get: ${packages.join(' ')}\n`);
  for (const argv of [
    ['apt-get', 'update', '--quiet'],
    ['apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...packages],
  ]) {
    const status = await session.surroundings.runProgram(argv, { DEBIAN_FRONTEND: 'noninteractive' }, session.signal);
    if (status !== 0) throw failed(`${argv.slice(0, 2).join(' ')} ended with status ${status}`);
  }
  return true;
}

/** The report for people. */
export function doctorText(checks: readonly HostCheck[], commands: readonly string[], colors: Colors): string {
  const mark = (check: HostCheck): string => (check.ok ? colors.green('✔') : check.required ? colors.red('✖') : colors.yellow('-'));
  const rows = table(checks.map((check) => [`${mark(check)} ${check.name}`, plainText(check.detail)]));
  const mending = commands.length === 0 ? [] : ['', 'to mend it:', ...commands.map((command) => `  ${colors.cyan(command)}`)];
  return `${[...rows, ...mending].join('\n')}\n`;
}
