import { basename } from 'node:path';
import type { BuildContext, TreeSession, VerifiedPackage } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import type { RpmFile } from '../package/package-files.js';
import { readRpm, type RpmPackage } from '../package/package.js';
import { extractPayloads, type PayloadUse } from '../package/payload-tar.js';
import { AskedLibraries } from './asked-libraries.js';
import { neededToRun } from './bootstrap-files.js';
import { readLibraryNeeds } from './library-needs.js';

/** The package that installs the others, itself included. */
const RPM = 'rpm';

/** Programs that have to run: rpm, and the shell of scriptlets where rpm requires one. */
const PROGRAM = /^\/(?:usr\/)?s?bin\/(?:rpm|sh|bash|dash)$/;
/** The C library loads it by itself, when a thread is ended. */
const LOADED_BY_LIBC = 'libgcc_s.so.1';
/** The name by which programs ask for a library. Modules, which a program asks for only when it wants them, have no number. */
const NUMBERED_LIBRARY = /\.so\.\d[^/]*$/;
const LIBRARY = /\.so(?:\.\d[^/]*)?$/;
/** Of a program or library that is held in memory to be looked at. What is larger tells nothing. */
const MAX_LOOKED_AT_BYTES = 256 * 2 ** 20;

/** A package that rpm may need to start. */
export interface Candidate extends Pick<VerifiedPackage, 'id' | 'name' | 'requires'> {
  /** Names of the shared libraries that it brings, as programs ask for them. */
  readonly libraries: readonly string[];
}

/**
 * Makes an empty root able to run rpm: the files that rpm takes to run are put there, without scripts and without its knowledge.
 *
 * @throws `ICT_RPM_NO_INSTALLER` when rpm is not among the packages.
 */
export async function bootstrap(
  packages: readonly VerifiedPackage[],
  preExtract: readonly string[],
  tree: TreeSession,
  ctx: BuildContext,
): Promise<void> {
  const candidates: (Candidate & { readonly content: RpmPackage })[] = [];
  for (const pkg of bootstrapPackages(packages, preExtract)) {
    const content = await readRpm(pkg.file, { signal: ctx.signal });
    candidates.push({ ...pkg, content, libraries: numberedLibraries(content.files()) });
  }
  const asked = new AskedLibraries([LOADED_BY_LIBC]);
  function* contents(): Generator<RpmPackage, void, undefined> {
    let done = 0;
    for (const { candidate, more } of neededToStart(candidates, preExtract, asked)) {
      const { name, content } = candidate;
      ctx.emit({ type: 'install.progress', phase: 'extract', name, done, total: done + 1 + more });
      done++;
      for (const { path, linkTarget } of content.files()) {
        if (linkTarget !== '' && LIBRARY.test(path)) asked.addLibrary(basename(path), { name: undefined, needed: [basename(linkTarget)] });
      }
      yield content;
    }
  }
  await extractPayloads(contents(), tree, ctx, { choose: neededToRun, through: learning(asked) });
}

/** What learns from each file on its way what it asks for. */
export function learning(asked: AskedLibraries): NonNullable<PayloadUse['through']> {
  return ({ path, sizeBytes }, content) => {
    if (sizeBytes > MAX_LOOKED_AT_BYTES) return content;
    if (PROGRAM.test(path)) return whole(content, (bytes) => asked.addProgram(readLibraryNeeds(bytes)));
    return LIBRARY.test(path) ? whole(content, (bytes) => asked.addLibrary(basename(path), readLibraryNeeds(bytes))) : content;
  };
}

/** Passes the content of a file on, and shows all of it. */
async function* whole(content: AsyncIterable<Uint8Array>, look: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) {
    pieces.push(piece);
    yield piece;
  }
  look(Buffer.concat(pieces));
}

/**
 * Packages that rpm may need to start: the ones that the definition names, in its order, then rpm and all that it requires, sorted.
 *
 * @throws `ICT_RPM_NO_INSTALLER` when rpm is not among them.
 */
export function bootstrapPackages(packages: readonly VerifiedPackage[], preExtract: readonly string[]): readonly VerifiedPackage[] {
  const byId = new Map(packages.map((pkg) => [pkg.id, pkg]));
  const rpm = packages.find(isRpm);
  if (rpm === undefined) {
    throw rpmError('ICT_RPM_NO_INSTALLER', {
      message: `the packages to install do not include "${RPM}", which installs them`,
      hint: `Add "${RPM}" to the packages of the template, or to "essential" of the distribution definition.`,
      facts: { packages: packages.length },
    });
  }
  const needed = new Set<VerifiedPackage>([rpm]);
  for (const pkg of needed) {
    for (const id of pkg.requires) {
      const other = byId.get(id);
      if (other !== undefined) needed.add(other);
    }
  }
  const named = preExtract.flatMap((name) => packages.filter((pkg) => pkg.name === name));
  return [...new Set([...named, ...packages.filter((pkg) => needed.has(pkg))])];
}

/** A package that rpm does need to start. */
export interface NeededPackage<P extends Candidate> {
  readonly candidate: P;
  /** How many that come later are known to be needed already; what it asks for may add to them. */
  readonly more: number;
}

/**
 * Those that rpm does need to start: the ones that the definition names, then rpm, and on from there what a package requires; but of packages of
 * shared libraries only those of which one is asked for. rpm's package holds other programs, whose libraries are most of what it requires.
 * What scriptlets run, rpm installs before them, as packages require it.
 *
 * @param asked what programs and libraries of the packages so far ask for. It grows before the next package is asked for; where it does not grow by
 *   rpm's own, nothing is known, and all are needed.
 */
export function* neededToStart<P extends Candidate>(
  candidates: readonly P[],
  preExtract: readonly string[],
  asked: Pick<AskedLibraries, 'has' | 'size'>,
): Generator<NeededPackage<P>, void, undefined> {
  const named = candidates.filter((each) => preExtract.includes(each.name) && !isRpm(each));
  for (const [index, candidate] of named.entries()) yield { candidate, more: named.length - index }; // with rpm
  const waiting = new Set(candidates);
  const required = new Set<string>();
  const before = asked.size;
  let isKnown = true;
  const isNeeded = ({ id, libraries }: P): boolean =>
    !isKnown || (libraries.length === 0 ? required.has(id) : libraries.some((name) => asked.has(name)));
  for (let next = candidates.find(isRpm); next !== undefined; next = [...waiting].find(isNeeded)) {
    waiting.delete(next);
    for (const id of next.requires) required.add(id);
    if (!named.includes(next))
      yield { candidate: next, more: [...waiting].filter((each) => isNeeded(each) && !named.includes(each)).length };
    if (isRpm(next)) isKnown = asked.size > before;
  }
}

function isRpm({ name }: Pick<VerifiedPackage, 'name'>): boolean {
  return name === RPM;
}

function numberedLibraries(files: readonly RpmFile[]): readonly string[] {
  return files.map(({ path }) => basename(path)).filter((name) => NUMBERED_LIBRARY.test(name));
}
