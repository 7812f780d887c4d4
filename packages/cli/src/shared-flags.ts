/* Arguments and flags that several commands share. */
import type { MachineArchitecture } from '@ict/boot';
import { Argument, Option, type Command } from 'commander';
import { parseMirrors, parseText, parseTexts, parseVariables, parseWorkers } from './flag-values.js';

export function template(): Argument {
  return new Argument('<template>', 'image template, a YAML file').argParser(parseText('TEMPLATE'));
}

export function cacheDir(): Option {
  return new Option('-d, --cache-dir <dir>', 'directory of the cache').argParser(parseText('--cache-dir'));
}

export function readOnlyCacheDir(): Option {
  return new Option('--read-only-cache-dir <dir>', 'cache to take things from, never written; may be repeated').argParser(
    parseTexts('--read-only-cache-dir'),
  );
}

export function workDir(): Option {
  return new Option('--work-dir <dir>', 'directory of trees and images').argParser(parseText('--work-dir'));
}

export function tempDir(): Option {
  return new Option('--temp-dir <dir>', 'directory of temporary files').argParser(parseText('--temp-dir'));
}

/** Those of `MACHINES` of `@ict/boot`, which is loaded only when it is needed. */
const MACHINE_ARCHITECTURES = Object.keys({ x86_64: true, aarch64: true } satisfies Record<MachineArchitecture, true>);

/** @param description what it is of, with its default. */
export function machineArchitecture(description: string): Option {
  return new Option('--arch <arch>', description).choices(MACHINE_ARCHITECTURES);
}

export function packageName(): Argument {
  return new Argument('<package>', 'name, name:arch, name=version or name/suite').argParser(parseText('PACKAGE'));
}

export function variable(): Option {
  return new Option('--var <name=value>', 'value for a variable that the template declares; may be repeated').argParser(parseVariables);
}

export function distroFile(): Option {
  return new Option('--distro-file <file>', 'another distribution definition; may be repeated').argParser(parseTexts('--distro-file'));
}

export function keyring(): Option {
  return new Option('--keyring <file>', 'keys for repositories whose definition has none; may be repeated').argParser(
    parseTexts('--keyring'),
  );
}

/** Flags that stand for settings. */
export function settingsFlags(command: Command): Command {
  return command
    .addOption(new Option('-w, --workers <n>', 'downloads and checks that run side by side').argParser(parseWorkers))
    .addOption(cacheDir())
    .addOption(readOnlyCacheDir())
    .addOption(workDir())
    .addOption(tempDir());
}

/** Flags of commands whose engine fetches or builds. */
export function engineFlags(command: Command): Command {
  return settingsFlags(command)
    .addOption(
      new Option('--mirror <archive=url>', 'address that stands in for an archive; may be repeated, for one archive too').argParser(
        parseMirrors,
      ),
    )
    .option('--no-host-mirrors', 'do not use the mirrors of the host\u2019s own package manager')
    .addOption(distroFile())
    .addOption(keyring())
    .addOption(variable())
    .option('--offline', 'use nothing but what caches and directories of this machine have')
    .addOption(
      new Option('--verify <how>', 'check cached files by stat signature, or by hashing every byte').choices(['signature', 'full']),
    );
}

/** Flags of commands that use a lock. */
export function lockFlags(command: Command): Command {
  return command
    .addOption(new Option('--lock <file>', 'lock file to use (default: NAME.lock.yml beside the template)').argParser(parseText('--lock')))
    .option('--frozen', 'fail when the lock file is missing or does not fit the template');
}
