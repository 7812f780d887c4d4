import { resolve } from 'node:path';
import { readImageManifest } from '@ict/boot';
import { compareImages, type ImageReport } from '@ict/inspect';
import { compareText } from '@ict/integrity';
import type { CompareFlags } from '../image-commands.js';
import { packagesOf, type ManifestPackage } from '../manifest-packages.js';
import { requireImageFile } from '../require-image-file.js';
import { withRawDisk } from '../raw-disk.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { comparisonText } from '../views/image-comparison-text.js';

/** A package that one image has and the other has not, or in another version. */
export interface PackageDifference {
  readonly name: string;
  readonly arch: string;
  /** Version in the first image; absent when it lacks the package. */
  readonly a?: string;
  readonly b?: string;
}

/** Why what lies in a partition of both images could not be read, or what of it is not. */
export interface PartitionProblem {
  readonly partition: number;
  readonly problem: string;
}

/** `ict compare`: what two images do not have in common; the exit status is that of `diff` with `--exit-code`. */
export async function compare(session: Session, a: string, b: string, flags: CompareFlags): Promise<number> {
  const { temporaryDirectory } = await takeSettings(session, flags);
  const { signal, surroundings } = session;
  const [one, other] = [resolve(surroundings.cwd, a), resolve(surroundings.cwd, b)];
  await requireImageFile(one, a);
  await requireImageFile(other, b);
  const {
    a: ours,
    b: theirs,
    values,
    files,
    compared,
    comparedBytes,
  } = await withRawDisk(one, temporaryDirectory, signal, (first) =>
    withRawDisk(other, temporaryDirectory, signal, (second) =>
      compareImages(first, second, { times: flags.times === true, signal, names: [one, other] }),
    ),
  );
  const packages = await comparePackages(one, other);
  const problems = sharedProblems(ours, theirs);
  const equal = values.length === 0 && files.length === 0 && (packages ?? []).length === 0;
  session.document({
    ...{ schemaVersion: 1, a: one, b: other, equal, values },
    ...(packages === undefined ? {} : { packages }),
    ...{ files, compared },
    ...(comparedBytes.length === 0 ? {} : { comparedBytes }),
    ...(problems.length === 0 ? {} : { problems }),
  });
  const whole = ours.partitions.flatMap(({ number, filesystem, type }) =>
    comparedBytes.includes(number) ? [filesystem?.type ?? type] : [],
  );
  session.result(comparisonText({ a, b, values, packages, files, compared, whole, problems }, session.terminal.resultColors));
  return equal || flags.exitCode !== true ? 0 : 1;
}

/** Those of partitions that are the same in both: no value differs. */
function sharedProblems(a: ImageReport, b: ImageReport): readonly PartitionProblem[] {
  const theirs = new Map(b.partitions.map(({ number, problem }) => [number, problem]));
  return a.partitions.flatMap(({ number, problem }) =>
    problem === undefined || problem !== theirs.get(number) ? [] : [{ partition: number, problem }],
  );
}

/** Undefined where one of them has no manifest beside it. */
async function comparePackages(a: string, b: string): Promise<readonly PackageDifference[] | undefined> {
  const [one, other] = await Promise.all([a, b].map(readImageManifest));
  const [ours, theirs] = [one && packagesOf(one), other && packagesOf(other)];
  if (ours === undefined || theirs === undefined) return undefined;
  const keyOf = ({ name, arch }: ManifestPackage): string => `${name}\0${arch}`;
  const [first, second] = [new Map(ours.map((pkg) => [keyOf(pkg), pkg])), new Map(theirs.map((pkg) => [keyOf(pkg), pkg]))];
  return [...new Set([...first.keys(), ...second.keys()])].sort(compareText).flatMap((key) => {
    const [was, is] = [first.get(key), second.get(key)];
    if (was?.version === is?.version) return [];
    const { name, arch } = (was ?? is) as ManifestPackage;
    return [{ name, arch, ...(was === undefined ? {} : { a: was.version }), ...(is === undefined ? {} : { b: is.version }) }];
  });
}
