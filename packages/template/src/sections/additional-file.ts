import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileSpec } from '@ict/plugin-api';
import type { MergedTemplate } from '../documents/merge.js';
import { formatPath, type Path } from '../documents/path.js';
import type { Report, SpecReports } from '../problems/report.js';
import { additionalFileSchema } from '../schema/additional-file.js';
import type { Template } from '../schema/template.js';
import { isAccountName } from './user.js';

const { owner, group } = additionalFileSchema.properties;

type AdditionalFile = NonNullable<NonNullable<Template['systemConfig']>['additionalFiles']>[number];

/** Directories that hold what is there while commands run, and that are no part of an image. */
const FLEETING = /^\/(?:dev|proc|run|sys|tmp)\//;

/** Longest name and longest path, in bytes. @see NAME_MAX and PATH_MAX of Linux */
const [NAME_MAX, PATH_MAX] = [255, 4095];

/** Largest number of a user or group: the next one stands for none. */
const MAX_ID = 2 ** 32 - 2;

/**
 * Reads one file to copy. What is wrong with the entry is an error; a local file that is missing only refuses a build: the template
 * may well be right, on another machine.
 *
 * @param commands what runs after it was copied, and may read it where the image does not keep it.
 */
export async function readAdditionalFile(
  file: AdditionalFile,
  at: Path,
  commands: readonly unknown[] = [],
  merged: MergedTemplate,
  { error, refuse, warning }: SpecReports,
): Promise<FileSpec> {
  const target = file.final;
  if (!target.startsWith('/') || target.endsWith('/') || target.split('/').some((part) => part === '..' || part === '.')) {
    error(
      'ICT_TEMPLATE_NAME',
      [...at, 'final'],
      `${JSON.stringify(target)} is not the absolute path of a file`,
      'For example /etc/motd; no "..", no slash at the end.',
    );
  }
  if (Buffer.byteLength(target) > PATH_MAX || target.split('/').some((part) => Buffer.byteLength(part) > NAME_MAX)) {
    const hint = `A path has at most ${PATH_MAX} bytes, and each name in it ${NAME_MAX}.`;
    error('ICT_TEMPLATE_NAME', [...at, 'final'], `${formatPath([...at, 'final'])} is too long for a filesystem`, hint);
  }
  if (FLEETING.test(target) && commands.length === 0) {
    const [, directory] = target.split('/');
    const hint = 'Choose another place: nothing is left of it in the image, and no command reads it.';
    warning('ICT_TEMPLATE_NO_EFFECT', [...at, 'final'], `a file in /${directory} is no part of the image`, hint);
  }
  for (const key of ['owner', 'group'] as const) {
    const name = file[key];
    if (name && !isAccountName(name) && !(/^[0-9]{1,10}$/.test(name) && Number(name) <= MAX_ID)) {
      error('ICT_TEMPLATE_NAME', [...at, key], `${JSON.stringify(name)} is neither a name nor a number`);
    }
  }
  if (file.stage && merged.template.baseline?.mode !== 'overlay') {
    const hint = 'Files are copied before the initrd is made.';
    warning('ICT_TEMPLATE_NO_EFFECT', [...at, 'stage'], `${formatPath([...at, 'stage'])} has an effect on overlay builds only`, hint);
  }
  const origin = merged.originOf(at);
  const position = origin?.layer.positions?.positionOf(origin.path);
  return {
    source: await findLocal(file.local, [...at, 'local'], merged, refuse, 'file'),
    target,
    ...(file.stage ? { stage: file.stage } : {}),
    ...(file.mode === undefined ? {} : { mode: Number.parseInt(file.mode, 8) }),
    owner: file.owner || owner.default,
    group: file.group || group.default,
    ...(position === undefined ? {} : { position }),
  };
}

/**
 * Finds a file of this machine that a template names: an absolute path as it is, a relative one beside the template that names
 * it, then beside each template below it and each above it, nearest first. Reports one that is nowhere.
 *
 * @param at path of the name itself
 * @param kind `file`: only a regular file will do; `directory`: only a directory; `any`: either
 * @returns its absolute path; for one that is nowhere, where it should have been
 */
export async function findLocal(
  local: string,
  at: Path,
  merged: MergedTemplate,
  refuse: Report,
  kind: 'file' | 'directory' | 'any',
): Promise<string> {
  const candidates = localCandidates(local, at, merged);
  const reasons: string[] = [];
  const noun = kind === 'directory' ? 'directory' : 'file';
  for (const candidate of candidates) {
    try {
      const found = await stat(candidate);
      if ((kind !== 'directory' && found.isFile()) || (kind !== 'file' && found.isDirectory())) return candidate;
      reasons.push(`${candidate} is not a ${noun}`);
    } catch (cause) {
      // Each candidate may be absent; what went wrong with it is part of the message.
      const code = (cause as NodeJS.ErrnoException).code;
      reasons.push(code === 'ENOENT' || code === 'ENOTDIR' ? `${candidate} does not exist` : `${candidate} cannot be read (${code})`);
    }
  }
  refuse(
    'ICT_TEMPLATE_FILE_MISSING',
    at,
    `the ${noun} ${JSON.stringify(local)} is missing: ${reasons.join('; ') || 'no directory to look in'}`,
  );
  return candidates[0] ?? local;
}

/** Where a file that a template names may be, in the order of looking: see {@link findLocal}. */
export function localCandidates(local: string, at: Path, merged: MergedTemplate): string[] {
  const owner = merged.originOf(at)?.layer;
  const height = owner === undefined ? merged.layers.length : merged.layers.indexOf(owner) + 1;
  const layers = [...merged.layers.slice(0, height).toReversed(), ...merged.layers.slice(height)];
  const directories = layers.flatMap(({ directory }) => (directory === undefined ? [] : [directory]));
  return [...new Set(path.isAbsolute(local) ? [local] : directories.map((directory) => path.resolve(directory, local)))];
}
