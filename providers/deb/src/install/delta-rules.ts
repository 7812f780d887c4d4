import type { Stanza } from '../metadata/deb822.js';

/** What of a package may tie its installation to an order. Read from its file, or from dpkg's database. */
export interface PackageFacts {
  readonly name: string;
  readonly fields: Pick<Stanza, 'get'>;
  /** Text of its control files (`postinst`, `triggers`, ...) by name. */
  readonly control: ReadonlyMap<string, string>;
  /** Absolute paths of its files and directories, links into /usr followed. */
  readonly paths: readonly string[];
  /** What it brings beside files, directories and links. */
  readonly special: readonly string[];
}

const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

/**
 * Lines of scripts that do nothing when a package is installed for the first time, and nothing that outlives a purge. Everything
 * else counts as not reviewed.
 */
const REVIEWED_LINES: readonly RegExp[] = [
  /^set -e$/,
  /^exit 0$/,
  // Moves and removes configuration files of earlier versions; there are none.
  /^dpkg-maintscript-helper (rm_conffile|mv_conffile)( [\w/.+~:-]+)+ -- "\$@"$/,
];

/** Triggers whose work depends on what lies in the tree alone: ldconfig writes /etc/ld.so.cache anew each time. */
const REVIEWED_TRIGGERS: ReadonlySet<string> = new Set(['ldconfig']);

/** Where files change nothing but for who looks for them by name. `@` stands for the package's own name. */
const REVIEWED_PLACES: readonly RegExp[] = [
  /^\/usr\/(bin|sbin|games)\/[^/]+$/,
  /^\/usr\/(lib|libexec|share|include)\/@(\/|$)/,
  /^\/usr\/include\//,
  /^\/usr\/lib\/[^/]+-linux-[^/]+\/(?!security\/|gconv\/|libnss_)/,
  /^\/usr\/lib\/lib[^/]+\.so[^/]*$/,
  /^\/usr\/share\/(doc|man|info|locale|lintian|bug|bash-completion|zsh|fish)\//,
  // What menus show; whoever keeps a list of it is triggered by these directories, which is looked at for itself.
  /^\/usr\/share\/(applications|icons|metainfo|pixmaps)\//,
  /^\/etc\/@(\/|$)/,
  /^\/etc\/@(rc|\.conf)$/,
  // Of libmagic and libnl, which nothing but these libraries reads.
  /^\/etc\/magic(\.mime)?$/,
  /^\/etc\/libnl-3\//,
];

/** Why what a package brings is tied to an order, in words that follow its name; undefined when it is not. */
export function orderBound(facts: PackageFacts): string | undefined {
  const { fields, control, paths, special, name } = facts;
  const vital = ['Essential', 'Protected', 'Important'].find((field) => fields.get(field) === 'yes');
  if (vital !== undefined) return `is ${vital.toLowerCase()}`;
  if (control.has('config') || control.has('templates')) return 'asks questions through debconf';
  const script = SCRIPTS.find((candidate) => !isReviewedScript(control.get(candidate) ?? ''));
  if (script !== undefined) return `has a ${script} that is not reviewed`;
  const trigger = unreviewedTrigger(control.get('triggers') ?? '');
  if (trigger !== undefined) return `uses the trigger ${trigger}`;
  if (special.length > 0) return `brings ${special[0]}, which is no file, directory or link`;
  const place = unreviewedPlace(name, paths);
  return place === undefined ? undefined : `brings ${place}, where others may look for files`;
}

/** Names of the packages whose files a package may take over. */
export function replaces({ fields }: Pick<PackageFacts, 'fields'>): readonly string[] {
  const relations = (fields.get('Replaces') ?? '').split(',');
  return relations.map((relation) => relation.trim().replace(/[\s(:].*$/s, '')).filter((name) => name !== '');
}

/** Whether a maintainer script holds reviewed lines only. No script is the best script. */
export function isReviewedScript(text: string): boolean {
  return statements(text).every((line) => REVIEWED_LINES.some((reviewed) => reviewed.test(line)));
}

function statements(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** The first line of a `triggers` file that has an interest, or activates what is not reviewed. @see deb-triggers(5) */
function unreviewedTrigger(text: string): string | undefined {
  for (const line of statements(text)) {
    const [directive, name = ''] = line.split(/\s+/);
    if (!directive.startsWith('activate') || !REVIEWED_TRIGGERS.has(name)) return name === '' ? directive : name;
  }
  return undefined;
}

/** Directories are looked at only where nothing lies in them. */
function unreviewedPlace(name: string, paths: readonly string[]): string | undefined {
  const parents = new Set(paths.flatMap(ancestors));
  const leaves = paths.filter((path) => !parents.has(path));
  const own = (path: string): string => path.replace(`/${name}`, '/@');
  return leaves.find((path) => !REVIEWED_PLACES.some((place) => place.test(path) || place.test(own(path))));
}

/** Directories above an absolute path, `/` first. */
export function ancestors(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/**
 * What a script of another package names of these packages: their names, their programs, their paths. It may do something else
 * when they are there.
 */
export function mentions(script: string, packages: readonly Pick<PackageFacts, 'name' | 'paths'>[]): string | undefined {
  const words = new Set(statements(script).flatMap((line) => line.split(/[^\w.+/-]+/)));
  const names = new Set(packages.flatMap(({ name, paths }) => [name, ...paths.filter(isProgram).map(lastName)]));
  const places = new Set(packages.flatMap(({ name, paths }) => paths.filter((path) => isProgram(path) || path.split('/').includes(name))));
  return [...words].find((word) => names.has(word) || names.has(lastName(word)) || places.has(word));
}

function isProgram(path: string): boolean {
  return /^\/usr\/(bin|sbin|games)\/[^/]+$/.test(path);
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The package that is interested in one of these paths, by dpkg's list of file triggers.
 *
 * @param text `/var/lib/dpkg/triggers/File`: a path and a package on each line.
 */
export function interestedIn(paths: readonly string[], text: string): string | undefined {
  for (const line of statements(text)) {
    const [path, pkg = ''] = line.split(/\s+/);
    if (paths.some((changed) => changed === path || changed.startsWith(`${path}/`))) return pkg.replace(/\/.*$/, '');
  }
  return undefined;
}
