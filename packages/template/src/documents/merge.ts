import type { SourcePosition } from '@ict/plugin-api';
import { formatPath, isWithin, type Path } from './path.js';
import type { Template, TemplateDefaults } from '../schema/template.js';
import type { DocumentPositions } from './yaml-document.js';

/** One template among those that are merged. */
export interface TemplateLayer {
  readonly template: TemplateDefaults;
  /** Directory that its relative paths count from; undefined when they are absolute already. */
  readonly directory: string | undefined;
  /** Absent for defaults whose text is not at hand. */
  readonly positions?: DocumentPositions;
  /** For messages: the file, or `defaults of debian13`. */
  readonly title: string;
  /** Paths that were left out because what they lead to is not valid, or that are not known yet: nothing is concluded from them. */
  readonly pruned?: readonly Path[];
  /** Formatted paths of texts that the value of a secret variable is part of. */
  readonly secret?: ReadonlySet<string>;
}

/** How a merged value came to be where it is. */
export type MergeRule =
  | 'set by the uppermost'
  | 'replaced as a whole'
  | 'merged key by key'
  | 'joined'
  | 'appended'
  | 'matched by name'
  | 'matched by final'
  | 'matched by codename, url and path'
  | 'never inherited';

/** Where a merged value was written. */
export interface Origin {
  readonly layer: TemplateLayer;
  /** Path inside that layer. */
  readonly path: Path;
  readonly rule: MergeRule;
}

/** The result of merging, with the origin of every value. */
export interface MergedTemplate {
  readonly template: Template;
  /** Lowest first, as given. */
  readonly layers: readonly TemplateLayer[];
  /** Origin of a value by its merged path; for a path that has none, of what contains it. */
  originOf(path: Path): Origin | undefined;
  /** Whether the value of a secret variable is part of the text at a merged path. */
  holdsSecret(path: Path): boolean;
  /** Origins of all merged values, by formatted path. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Places of all merged values that have one, by formatted path. */
  positions(): ReadonlyMap<string, SourcePosition>;
}

type Data = Readonly<Record<string, unknown>>;

/** True for a value that says something: empty text, an empty list and an empty mapping say nothing and override nothing. */
function says(value: unknown): boolean {
  if (value === undefined || value === '') return false;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return true;
}

/**
 * Lays templates over each other, lowest first: defaults of the distribution, then the templates that are extended from root
 * to leaf, then the user's own.
 *
 * `image`, `target`: the last one's, whole. `metadata`, `lock`: the last layer's only. `disk`, `packagePins`, `baseline`, `overlayPolicy`,
 * `fde`, `systemConfig.languages`: replaced whole; `plugins` too, plugin by plugin. `systemConfig.packages`: union, lower first. Kernel, boot loader, immutability, network, initramfs and
 * `build.cache`: key by key, lists replaced. Users by name (groups and keys joined, `sudo` the upper's), files by `final`, layers by name, repositories by
 * codename, url and path; what is replaced keeps its place. `configurations`: appended. Other keys: the upper's. An empty value
 * overrides nothing.
 *
 * @see compatibility with the Go Image Composer Tool: its merge table
 */
export function mergeTemplates(layers: readonly TemplateLayer[]): MergedTemplate {
  const merge = new Merge();
  for (const layer of layers) merge.add(layer);
  const last = layers.at(-1);
  if (last !== undefined) merge.origins.set('', { layer: last, path: [], rule: 'set by the uppermost' });
  for (const key of ['metadata', 'lock'] as const) {
    const value = last?.template[key];
    if (last !== undefined && says(value)) merge.put([key], value, last, [key], 'never inherited');
  }
  const { origins } = merge;
  return {
    template: merge.result as unknown as Template,
    layers,
    origins,
    holdsSecret: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const origin = origins.get(formatPath(path.slice(0, length)));
        if (origin !== undefined) return origin.layer.secret?.has(formatPath([...origin.path, ...path.slice(length)])) === true;
      }
      return false;
    },
    originOf: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const origin = origins.get(formatPath(path.slice(0, length)));
        if (origin !== undefined) return origin;
      }
      return undefined;
    },
    positions: () => {
      const places = new Map<string, SourcePosition>();
      for (const [path, { layer, path: from }] of origins) {
        const position = layer.positions?.positionOf(from);
        if (position !== undefined) places.set(path, position);
      }
      return places;
    },
  };
}

class Merge {
  readonly result: Record<string, unknown> = {};
  readonly origins = new Map<string, Origin>();

  /** Sets a value at a path that exists but for its last step, with the origin of all that it contains. */
  put(path: Path, value: unknown, layer: TemplateLayer, from: Path, rule: MergeRule): void {
    let at: Record<string | number, unknown> = this.result;
    for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string | number, unknown>;
    const last = path.at(-1) as string | number;
    const replaces = at[last] !== undefined;
    at[last] = structuredClone(value);
    const name = formatPath(path);
    for (const key of replaces ? this.origins.keys() : []) if (isWithin(key, name)) this.origins.delete(key);
    this.record(path, value, layer, from, rule);
  }

  private record(path: Path, value: unknown, layer: TemplateLayer, from: Path, rule: MergeRule): void {
    this.origins.set(formatPath(path), { layer, path: from, rule });
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const step = Array.isArray(value) ? Number(key) : key;
      this.record([...path, step], inner, layer, [...from, step], rule);
    }
  }

  private get(path: Path): unknown {
    let at: unknown = this.result;
    for (const step of path) at = (at as Record<string | number, unknown> | undefined)?.[step];
    return at;
  }

  add(layer: TemplateLayer): void {
    const { template } = layer;
    for (const key of ['image', 'target', 'disk', 'packagePins', 'baseline', 'overlayPolicy'] as const) {
      if (says(template[key])) this.whole([key], template[key], layer);
    }
    const identity = (item: Data): string => JSON.stringify([item['codename'], item['url'], item['path']]);
    this.keyed(['packageRepositories'], template.packageRepositories, layer, identity, 'matched by codename, url and path');
    for (const [plugin, section] of Object.entries(template.plugins ?? {})) {
      const path: Path = ['plugins', plugin];
      // That a template names a plugin says something, even if it says no more.
      if (says(section) || this.get(path) === undefined) this.whole(path, section, layer);
    }
    this.perKey(['build', 'cache'], template.build?.cache, layer);
    this.keyed(['layers'], template.layers, layer, (item) => String(item['name']), 'matched by name');
    if (template.systemConfig !== undefined) this.system(template.systemConfig, layer);
  }

  private system(system: NonNullable<TemplateDefaults['systemConfig']>, layer: TemplateLayer): void {
    const at = (key: string): Path => ['systemConfig', key];
    for (const key of ['name', 'description', 'hostname', 'recommends', 'documentation'] as const) {
      if (says(system[key])) this.put(at(key), system[key], layer, at(key), 'set by the uppermost');
    }
    for (const key of ['fde', 'languages'] as const) if (says(system[key])) this.whole(at(key), system[key], layer);
    for (const key of ['kernel', 'bootloader', 'immutability', 'network', 'initramfs'] as const) this.perKey(at(key), system[key], layer);
    this.union(at('packages'), system.packages, layer, at('packages'));
    this.append(at('configurations'), system.configurations, layer);
    this.keyed(at('additionalFiles'), system.additionalFiles, layer, (item) => String(item['final']), 'matched by final');
    this.users(system.users, layer);
  }

  /** Replaces all that lies at a path, if anything does. */
  private whole(path: Path, value: unknown, layer: TemplateLayer): void {
    this.put(path, value, layer, path, this.get(path) === undefined ? 'set by the uppermost' : 'replaced as a whole');
  }

  private perKey(path: Path, value: Data | undefined, layer: TemplateLayer): void {
    for (const [key, inner] of Object.entries(value ?? {})) {
      if (!says(inner)) continue;
      // What is told of all keys together belongs where the upper template has some of them.
      this.origins.set(formatPath(path), { layer, path, rule: 'merged key by key' });
      this.put([...path, key], inner, layer, [...path, key], 'merged key by key');
    }
  }

  private list(path: Path): readonly unknown[] {
    const existing = this.get(path);
    if (Array.isArray(existing)) return existing;
    return [];
  }

  /** Adds an item at the end of the list at `path`. */
  private push(path: Path, value: unknown, layer: TemplateLayer, from: Path, rule: MergeRule): void {
    const length = this.list(path).length;
    if (length === 0) this.put(path, [], layer, from.slice(0, -1), rule);
    this.put([...path, length], value, layer, from, rule);
  }

  private union(path: Path, items: readonly unknown[] | undefined, layer: TemplateLayer, from: Path): void {
    for (const [index, item] of (items ?? []).entries()) {
      const place = this.list(path).indexOf(item);
      if (place === -1) this.push(path, item, layer, [...from, index], 'joined');
      // Asked for twice: a message about it belongs where the upper template asks.
      else this.origins.set(formatPath([...path, place]), { layer, path: [...from, index], rule: 'joined' });
    }
  }

  private append(path: Path, items: readonly unknown[] | undefined, layer: TemplateLayer): void {
    for (const [index, item] of (items ?? []).entries()) this.push(path, item, layer, [...path, index], 'appended');
  }

  private keyed(
    path: Path,
    items: readonly Data[] | undefined,
    layer: TemplateLayer,
    identity: (item: Data) => string,
    rule: MergeRule,
  ): void {
    // Entries of one template do not replace each other: each stands for one below.
    const below: (string | undefined)[] = this.list(path).map((one) => identity(one as Data));
    for (const [index, item] of (items ?? []).entries()) {
      const place = below.indexOf(identity(item));
      if (place === -1) this.push(path, item, layer, [...path, index], rule);
      else {
        this.put([...path, place], item, layer, [...path, index], rule);
        below[place] = undefined;
      }
    }
  }

  private users(users: NonNullable<TemplateDefaults['systemConfig']>['users'], layer: TemplateLayer): void {
    const path: Path = ['systemConfig', 'users'];
    for (const [index, user] of (users ?? []).entries()) {
      const from: Path = [...path, index];
      const place = this.list(path).findIndex((one) => (one as Data)['name'] === user.name);
      if (place === -1) {
        this.push(path, user, layer, from, 'matched by name');
        continue;
      }
      const to: Path = [...path, place];
      for (const [key, value] of Object.entries(user)) {
        if (key === 'groups' || key === 'sshAuthorizedKeys') this.union([...to, key], value as readonly unknown[], layer, [...from, key]);
        else if (says(value)) this.put([...to, key], value, layer, [...from, key], 'matched by name');
      }
      if (user.sudo === undefined && this.get([...to, 'sudo']) !== undefined)
        this.put([...to, 'sudo'], false, layer, from, 'set by the uppermost');
      // The upper template names the user: a message about it belongs there.
      this.origins.set(formatPath(to), { layer, path: from, rule: 'matched by name' });
    }
  }
}
