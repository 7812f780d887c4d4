import type {
  BuildContext,
  Context,
  DeltaInstaller,
  DeltaVerdict,
  DistributionDefinition,
  InstallChange,
  Json,
  PackageRef,
  TreePath,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';
import { parseStanzas, type Stanza } from '../metadata/deb822.js';
import { ancestors, interestedIn, mentions, orderBound, replaces, type PackageFacts } from './delta-rules.js';
import { lostSection } from './file-choice.js';

/** Raised when `delta-rules.ts` changes: remembered verdicts of other rules do not count. */
const RULES_VERSION = 3;

const DATABASE = '/var/lib/dpkg';

/** What every change of packages makes anew, with the directories that it is in. */
const BOOKKEEPING = [`${DATABASE}/status`, `${DATABASE}/info`, `${DATABASE}/updates`, `${DATABASE}/triggers`, '/etc/ld.so.cache'];

/** How a change is carried out once nothing speaks against it. */
type Apply = (change: InstallChange, tree: TreeSession, distribution: DistributionDefinition, ctx: BuildContext) => Promise<void>;

/**
 * Deltas of dpkg's installations. A package that changes its version is purged and installed anew, so that no script sees an old
 * version that a clean installation never had. What each rule is for is in docs/decisions/0041-delta-install.md.
 */
export function createDeltaInstaller(install: Apply): DeltaInstaller {
  return {
    judge,
    apply: async (change, tree, distribution, ctx) => {
      const survey = await surveyChange(change, tree, ctx);
      const reason = obstacle(survey);
      if (reason !== undefined) return { kind: 'refused', reason };
      await install(change, tree, distribution, ctx);
      const lost = await lostSection(change.fileChoice, tree);
      if (lost !== undefined) return { kind: 'refused', reason: `${lost} went with the last package that has it` };
      return { kind: 'applied', expected: expectation(survey) };
    },
  };
}

async function judge({ install }: InstallChange, ctx: Context): Promise<DeltaVerdict> {
  const unknown: string[] = [];
  for (const pkg of install) {
    const bound = await remembered(pkg, ctx);
    if (bound === undefined) unknown.push(pkg.name);
    else if (bound !== '') return { kind: 'bound', reason: `${pkg.name} ${bound}` };
  }
  return unknown.length === 0 ? { kind: 'free' } : { kind: 'unknown', packages: unknown };
}

/** What binds a package to an order, remembered by its digest: empty when nothing does, undefined when its file is not here. */
async function remembered(pkg: VerifiedPackage, ctx: Context): Promise<string | undefined> {
  const question: Json = { rules: RULES_VERSION, digest: pkg.digest };
  const known = await ctx.memo.get('deb-delta', question);
  if (typeof known === 'string') return known;
  if (pkg.file === '') return undefined;
  const bound = orderBound(await factsOfFile(pkg, ctx)) ?? '';
  await ctx.memo.set('deb-delta', question, bound);
  return bound;
}

async function factsOfFile(pkg: Pick<VerifiedPackage, 'name' | 'file'>, ctx: Pick<Context, 'signal'>): Promise<FileFacts> {
  const { readDeb } = await import('@ict/archive');
  const deb = await readDeb(pkg.file, { signal: ctx.signal });
  const control = new Map([...(await deb.control())].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
  const [fields] = parseStanzas(control.get('control') ?? '', { source: `control of ${pkg.name}` });
  const paths: string[] = [];
  const files: string[] = [];
  const special: string[] = [];
  for await (const entry of deb.data()) {
    const path = installedPath(entry.path.replace(/^\.?\/?/, '/'));
    if (path === '/' || path === '/.') continue;
    paths.push(path);
    if (entry.type !== 'directory') files.push(path);
    if (!['file', 'hardlink', 'symlink', 'directory'].includes(entry.type)) special.push(path);
  }
  return { name: pkg.name, fields, control, paths, special, files };
}

/** Facts with the paths of everything but directories. */
interface FileFacts extends PackageFacts {
  readonly files: readonly string[];
}

/** Where a path of a package lies in a tree whose `/bin`, `/lib` and `/sbin` are links into /usr. */
function installedPath(path: string): string {
  return path.replace(/^\/(bin|sbin|lib|lib64|lib32|libx32)(?=\/|$)/, '/usr/$1');
}

/** Everything that is asked of a change before it is made. */
interface Survey {
  readonly installed: readonly FileFacts[];
  readonly removed: readonly PackageFacts[];
  /** Names of the packages that stay. */
  readonly kept: ReadonlySet<string>;
  /** preinst and postinst of the packages that stay, by file name. */
  readonly scripts: ReadonlyMap<string, string>;
  readonly fileTriggers: string;
  /** Files to come that lie there already. */
  readonly taken: readonly string[];
}

async function surveyChange(change: InstallChange, tree: TreeSession, ctx: Context): Promise<Survey> {
  const installed = await Promise.all(change.install.map((pkg) => factsOfFile(pkg, ctx)));
  const status = await readText(tree, `${DATABASE}/status`);
  const stanzas = parseStanzas(status, { source: `${DATABASE}/status` });
  const removed: PackageFacts[] = [];
  for (const pkg of change.remove) removed.push(await factsOfTree(pkg, stanzas, tree));
  const isLeaving = (name: string | undefined, arch: string | undefined): boolean =>
    change.remove.some((pkg) => pkg.name === name && (arch === undefined || pkg.arch === arch));
  const scripts = new Map<string, string>();
  for (const { path } of await tree.list(`${DATABASE}/info`)) {
    const { name, arch, kind } = noteOf(path) ?? {};
    if ((kind === 'preinst' || kind === 'postinst') && !isLeaving(name, arch))
      scripts.set(`${kind} of ${name}`, await readText(tree, path));
  }
  const going = new Set(removed.flatMap(({ paths }) => paths));
  const taken: string[] = [];
  for (const path of installed.flatMap(({ files }) => files)) {
    if (!going.has(path) && (await tree.stat(path)) !== undefined) taken.push(path);
  }
  return {
    installed,
    removed,
    kept: new Set(
      stanzas
        .filter((stanza) => !isLeaving(stanza.get('Package'), stanza.get('Architecture')))
        .map((stanza) => stanza.get('Package') ?? ''),
    ),
    scripts,
    fileTriggers: await readText(tree, `${DATABASE}/triggers/File`),
    taken,
  };
}

/** What dpkg's database says of an installed package. */
async function factsOfTree(pkg: PackageRef, stanzas: readonly Stanza[], tree: TreeSession): Promise<PackageFacts> {
  const control = new Map<string, string>();
  let paths: readonly string[] = [];
  for (const { path } of await tree.list(`${DATABASE}/info`)) {
    const note = noteOf(path);
    if (note?.name !== pkg.name || (note.arch !== undefined && note.arch !== pkg.arch)) continue;
    const { kind } = note;
    if (kind === 'list') paths = (await readText(tree, path)).split('\n').filter((line) => line !== '' && line !== '/.');
    else control.set(kind, await readText(tree, path));
  }
  const isStanza = (stanza: Stanza): boolean => stanza.get('Package') === pkg.name && stanza.get('Architecture') === pkg.arch;
  const fields = stanzas.find(isStanza) ?? new Map<string, string>();
  return { name: pkg.name, fields, control, paths: paths.map(installedPath), special: [] };
}

function obstacle({ installed, removed, kept, scripts, fileTriggers, taken }: Survey): string | undefined {
  for (const facts of [...installed, ...removed]) {
    const bound = orderBound(facts);
    if (bound !== undefined) return `${facts.name} ${bound}`;
    const replaced = replaces(facts).find((name) => kept.has(name));
    if (replaced !== undefined) return `${facts.name} may replace files of ${replaced}`;
  }
  if (taken.length > 0) return `${taken[0]} is there already`;
  const changed = [...installed, ...removed];
  const interested = interestedIn(
    changed.flatMap(({ paths }) => paths),
    fileTriggers,
  );
  if (interested !== undefined) return `${interested} is triggered by what changes`;
  for (const [script, text] of scripts) {
    const word = mentions(text, changed);
    if (word !== undefined) return `the ${script} mentions ${word}`;
  }
  return undefined;
}

/** Paths of the packages and of dpkg's notes about them, with the directories that they are in. */
function expectation({ installed, removed }: Survey): (path: TreePath) => boolean {
  const names = new Set([...installed, ...removed].map(({ name }) => name));
  const paths = [...BOOKKEEPING, ...[...installed, ...removed].flatMap((facts) => facts.paths)];
  const expected = new Set([...paths, ...paths.flatMap(ancestors)]);
  return (path) => {
    const note = path.startsWith(`${DATABASE}/info/`) ? noteOf(path) : undefined;
    return expected.has(path) || (note !== undefined && names.has(note.name));
  };
}

/**
 * What a file of dpkg's `info` directory is about: `libc6:i386.list` is the list of libc6 for i386. Only packages that several
 * architectures may have at once are named with theirs.
 */
function noteOf(path: TreePath): { readonly name: string; readonly arch: string | undefined; readonly kind: string } | undefined {
  const [, name, arch, kind] = /\/([^/:]+)(?::([^/]+))?\.([a-z0-9]+)$/.exec(path) ?? [];
  return name === undefined || kind === undefined ? undefined : { name, arch, kind };
}

async function readText(tree: TreeSession, path: TreePath): Promise<string> {
  const bytes = await tree.read(path);
  return bytes === undefined ? '' : new TextDecoder().decode(bytes);
}
