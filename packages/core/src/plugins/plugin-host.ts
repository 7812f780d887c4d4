import { relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { askIfMeant, nearestNames } from '@ict/package-index';
import { reasonOf } from '@ict/plugin-api';
import type { Architecture, DistributionDefinition, Exporter, ImageFormat, Plugin, PluginManifest, Provider } from '@ict/plugin-api';
import { ofArchitecture, readText, type PluginSection, type PluginSections } from '@ict/template';
import { CodeIdentities, type CodeIdentity } from './code-identity.js';
import { DefinitionFile, type DefinitionMemory } from './definition-file.js';
import type { ModuleImporter } from '../engine-api.js';
import { coreError } from '../errors.js';
import { PluginCalls } from './plugin-calls.js';
import { definitionFiles, entryOf, readManifest, readSection, type FoundPlugin } from './plugin-manifest.js';
import { requireShape } from './plugin-shape.js';

/** A part of a plugin together with the identity of its code. */
export interface Loaded<T> {
  readonly part: T;
  readonly identity: CodeIdentity;
}

/** Finds plugins by their manifests and loads the code of those that a build needs. */
export class PluginHost {
  private readonly found: readonly FoundPlugin[];
  /** By target. */
  private readonly definitions: ReadonlyMap<string, DefinitionFile>;
  /** What plugins let templates say to them, by their names. */
  readonly sections: PluginSections;
  /** Of the code that the engine and its plugins run. */
  readonly identities = new CodeIdentities();

  private readonly importModule: ModuleImporter;
  private readonly calls = new PluginCalls();

  private constructor(
    found: readonly FoundPlugin[],
    definitions: ReadonlyMap<string, DefinitionFile>,
    sections: PluginSections,
    importModule: ModuleImporter,
  ) {
    this.found = found;
    this.definitions = definitions;
    this.sections = sections;
    this.importModule = importModule;
  }

  /**
   * A definition that a plugin ships is read when it is asked for, one of `distributionFiles` at once.
   *
   * @throws `ICT_PLUGIN_INVALID`, `ICT_TARGET_CLAIMED_TWICE`, or the problems of a distribution definition.
   */
  static async open(
    roots: readonly string[],
    distributionFiles: readonly string[],
    importModule: ModuleImporter = importFile,
    recall?: DefinitionMemory,
  ): Promise<PluginHost> {
    const found = await Promise.all(roots.map(readManifest));
    requireOwnNames(found);
    const shipped = (await Promise.all(found.map(readShipped))).flat();
    const definitions = new Map<string, DefinitionFile>();
    const shippers = new Map<string, FoundPlugin>();
    for (const { file, text, plugin } of shipped) {
      const one = new DefinitionFile(file, text, recall);
      const before = definitions.get(one.target);
      if (before !== undefined) {
        const alone = shippers.get(one.target) === plugin;
        throw coreError('ICT_TARGET_CLAIMED_TWICE', {
          message: `${alone ? `${plugin.name} defines the target ${one.target} twice` : `two plugins define the target ${one.target}`}: ${before.file} and ${file}`,
          hint: alone ? 'Remove one of the files from the plugin.' : 'Remove one of the plugins from the configuration.',
          facts: { target: one.target, files: [before.file, file] },
        });
      }
      definitions.set(one.target, one);
      shippers.set(one.target, plugin);
    }
    for (const file of distributionFiles.map((name) => resolve(name))) {
      const one = new DefinitionFile(file, await readDefinition(file), recall);
      one.definition();
      definitions.delete(one.target);
      definitions.set(one.target, one);
    }
    const sections = new Map<string, PluginSection>();
    for (const plugin of found) {
      const section = await readSection(plugin);
      if (section !== undefined) sections.set(plugin.name, section);
    }
    return new PluginHost(found, definitions, sections, importModule);
  }

  /** The definition of a target, or undefined; a file that the user names outranks a plugin's. @throws `ICT_DISTRO_INVALID`. */
  distribution(os: string, dist: string): DistributionDefinition | undefined {
    return this.definitions.get(`${os}/${dist}`)?.definition();
  }

  /** `{os}/{dist}` of every definition. */
  targets(): readonly string[] {
    return [...this.definitions.keys()];
  }

  /** Every definition, those of plugins first. @throws `ICT_DISTRO_INVALID` when one has faults. */
  distributions(): readonly DistributionDefinition[] {
    return [...this.definitions.values()].map((file) => file.definition());
  }

  /** What `{os}-{dist}-{arch}` stands for. @throws `ICT_TARGET_UNKNOWN`. */
  target(text: string): { readonly distribution: DistributionDefinition; readonly arch: Architecture } {
    const targets = new Map<string, { distribution: DistributionDefinition; arch: Architecture }>(
      this.distributions().flatMap((distribution) =>
        distribution.architectures.map((arch) => [`${distribution.os}-${distribution.dist}-${arch}`, { distribution, arch }] as const),
      ),
    );
    const found = targets.get(text);
    if (found !== undefined) return { ...found, distribution: ofArchitecture(found.distribution, found.arch) };
    const near = nearestNames(text, targets.keys());
    const containing = text === '' ? [] : [...targets.keys()].filter((target) => target.includes(text));
    throw coreError('ICT_TARGET_UNKNOWN', {
      message: `no plugin defines the target "${text}"`,
      hint: askIfMeant(near.length > 0 ? near : containing) ?? `There is ${[...targets.keys()].join(', ')}.`,
      facts: { target: text },
    });
  }

  /** Image types that some plugin makes. */
  imageTypes(): readonly string[] {
    return this.found.flatMap((plugin) => plugin.manifest.imageTypes ?? []);
  }

  /** What is told of an error that leaves the engine: where only a plugin can have looked for a file, of the plugin. */
  blame(error: unknown): unknown {
    return this.calls.blame(error);
  }

  provider(ecosystem: string): Promise<Loaded<Provider>> {
    return this.load(
      `package ecosystem ${ecosystem}`,
      (manifest) => manifest.ecosystems?.includes(ecosystem) === true,
      (plugin) => plugin.providers?.find((provider) => provider.ecosystem === ecosystem) as Provider,
    );
  }

  format(imageType: string): Promise<Loaded<ImageFormat>> {
    return this.load(
      `image type ${imageType}`,
      (manifest) => manifest.imageTypes?.includes(imageType) === true,
      (plugin) => plugin.formats?.find((format) => format.imageTypes.includes(imageType)) as ImageFormat,
    );
  }

  /** Every exporter of every plugin, sorted by name. @throws `ICT_TARGET_CLAIMED_TWICE` when two have one name, or would write the same file. */
  async exporters(): Promise<readonly Loaded<Exporter>[]> {
    const all: Loaded<Exporter>[] = [];
    const writers = new Map<string, FoundPlugin>();
    for (const candidate of this.found.filter((plugin) => (plugin.manifest.exporters ?? []).length > 0)) {
      const { exporters = [] } = await this.code(candidate);
      const identity = this.identify(candidate);
      for (const part of exporters) {
        for (const claim of [`document .${part.extension}`, `exporter ${part.name}`]) {
          const before = writers.get(claim);
          if (before !== undefined) throw claimedTwice(claim, [before, candidate]);
          writers.set(claim, candidate);
        }
        all.push({ part: this.calls.guard(part, identity), identity });
      }
    }
    return all.sort((a, b) => (a.part.name < b.part.name ? -1 : 1));
  }

  private async load<T extends object>(
    what: string,
    claims: (manifest: PluginManifest) => boolean,
    pick: (plugin: Plugin) => T,
  ): Promise<Loaded<T>> {
    const candidates = this.found.filter((plugin) => claims(plugin.manifest));
    if (candidates.length > 1) throw claimedTwice(what, candidates);
    const [candidate] = candidates;
    if (candidate === undefined) {
      throw coreError('ICT_PLUGIN_INVALID', {
        message: `no plugin provides the ${what}`,
        hint: 'Install the plugin that does, and list it under `plugins:` in the configuration. A plugin says what it provides in "ict" of its package.json.',
        facts: { plugins: this.found.map((plugin) => plugin.name) },
      });
    }
    const part = pick(await this.code(candidate));
    const identity = this.identify(candidate);
    return { part: this.calls.guard(part, identity), identity };
  }

  /** Its code is what lies in the outermost directory of its entry: modules in others there may be part of it. */
  private identify(plugin: FoundPlugin): CodeIdentity {
    const [directory, ...below] = relative(plugin.root, entryOf(plugin)).split(sep) as [string, ...string[]];
    return this.identities.identify(plugin, below.length === 0 ? '' : directory);
  }

  private code(plugin: FoundPlugin): Promise<Plugin> {
    return this.calls.attend(loadPlugin(plugin, this.importModule), plugin, 'its module');
  }
}

/** What templates say to a plugin, and keys of its steps, go by its name. */
function requireOwnNames(plugins: readonly FoundPlugin[]): void {
  const byName = new Map<string, FoundPlugin>();
  for (const plugin of plugins) {
    const before = byName.get(plugin.name);
    if (before === undefined) byName.set(plugin.name, plugin);
    else throw claimedTwice(`name ${plugin.name}`, [before, plugin], 'root');
  }
}

function claimedTwice(what: string, plugins: readonly FoundPlugin[], called: 'name' | 'root' = 'name'): Error {
  return coreError('ICT_TARGET_CLAIMED_TWICE', {
    message: `two plugins claim the ${what}: ${plugins.map((plugin) => plugin[called]).join(' and ')}`,
    hint: 'Remove one of the plugins from the configuration.',
    facts: { plugins: plugins.map((plugin) => plugin.root) },
  });
}

interface ShippedDefinition {
  readonly file: string;
  readonly text: string;
  readonly plugin: FoundPlugin;
}

/** The definitions of a plugin, unread as yet. */
async function readShipped(plugin: FoundPlugin): Promise<readonly ShippedDefinition[]> {
  const files = await definitionFiles(plugin);
  return Promise.all(files.map(async (file) => ({ file, text: await readDefinition(file, plugin), plugin })));
}

/** @param plugin the one that ships it; undefined for one that the user names. */
async function readDefinition(file: string, plugin?: FoundPlugin): Promise<string> {
  try {
    return await readText(file);
  } catch (cause) {
    const what = plugin === undefined ? 'the distribution definition' : `${plugin.name}: a distribution definition`;
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${what} cannot be used: ${reasonOf(cause)}`,
      hint:
        plugin === undefined ? 'Check the path given with --distro-file or under `distros:`.' : 'Check "ict.distros" in its package.json.',
      facts: { file },
      cause,
    });
  }
}

function importFile(file: string): Promise<unknown> {
  return import(pathToFileURL(file).href);
}

async function loadPlugin(found: FoundPlugin, importModule: ModuleImporter): Promise<Plugin> {
  const entry = entryOf(found);
  let module: { default?: Plugin };
  try {
    module = (await importModule(entry)) as { default?: Plugin };
  } catch (cause) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${found.name}: ${entry} cannot be loaded: ${reasonOf(cause)}`,
      hint: 'Build the plugin, or install it anew.',
      facts: { root: found.root, entry },
      cause,
    });
  }
  if (module.default?.apiVersion !== 1) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${found.name}: ${entry} has no default export for plugin API 1`,
      hint: 'Export the result of definePlugin() as default.',
    });
  }
  requireShape(found, module.default);
  return module.default;
}
