import { readFile, readdir, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DistributionDefinition, Exporter, ImageFormat, Plugin, PluginManifest, Provider } from '@ict/plugin-api';
import { parseDistribution, requireDistribution } from '@ict/template';
import { identify, type CodeIdentity } from './code-identity.js';
import { coreError } from './errors.js';

/** A plugin that was found but whose code is not loaded yet. */
export interface FoundPlugin {
  readonly name: string;
  readonly version: string;
  readonly root: string;
  readonly manifest: PluginManifest;
}

/** A part of a plugin together with the identity of its code. */
export interface Loaded<T> {
  readonly part: T;
  readonly identity: CodeIdentity;
}

/** Finds plugins by their manifests and loads the code of those that a build needs. */
export class PluginHost {
  private readonly found: readonly FoundPlugin[];
  private readonly definitions: readonly DistributionDefinition[];

  private constructor(found: readonly FoundPlugin[], definitions: readonly DistributionDefinition[]) {
    this.found = found;
    this.definitions = definitions;
  }

  /** @throws `ICT_PLUGIN_INVALID`, `ICT_TARGET_CLAIMED_TWICE`, or the problems of a distribution definition. */
  static async open(roots: readonly string[], distributionFiles: readonly string[]): Promise<PluginHost> {
    const found = await Promise.all(roots.map(readManifest));
    const shipped = await Promise.all(found.map(definitionFiles));
    const origins = new Map<string, string>();
    const definitions: DistributionDefinition[] = [];
    const add = async (file: string, replaces: boolean): Promise<void> => {
      const definition = requireDistribution(parseDistribution(await readDefinition(file), file));
      const target = `${definition.os}/${definition.dist}`;
      const before = origins.get(target);
      if (before !== undefined && !replaces) {
        throw coreError('ICT_TARGET_CLAIMED_TWICE', {
          message: `two plugins define the target ${target}: ${before} and ${file}`,
          hint: 'Remove one of the plugins from the configuration.',
          facts: { target, files: [before, file] },
        });
      }
      origins.set(target, file);
      if (before !== undefined)
        definitions.splice(
          definitions.findIndex((other) => `${other.os}/${other.dist}` === target),
          1,
        );
      definitions.push(definition);
    };
    for (const file of shipped.flat()) await add(file, false);
    for (const file of distributionFiles) await add(resolve(file), true);
    return new PluginHost(found, definitions);
  }

  /** The definition of a target, or undefined; a file that the user names outranks a plugin's. */
  distribution(os: string, dist: string): DistributionDefinition | undefined {
    return this.definitions.find((definition) => definition.os === os && definition.dist === dist);
  }

  /** Image types that some plugin makes. */
  imageTypes(): readonly string[] {
    return this.found.flatMap((plugin) => plugin.manifest.imageTypes ?? []);
  }

  provider(ecosystem: string): Promise<Loaded<Provider>> {
    return this.load(
      `package ecosystem ${ecosystem}`,
      (manifest) => manifest.ecosystems?.includes(ecosystem) === true,
      (plugin) => plugin.providers?.find((provider) => provider.ecosystem === ecosystem),
    );
  }

  format(imageType: string): Promise<Loaded<ImageFormat>> {
    return this.load(
      `image type ${imageType}`,
      (manifest) => manifest.imageTypes?.includes(imageType) === true,
      (plugin) => plugin.formats?.find((format) => format.imageTypes.includes(imageType)),
    );
  }

  /** Every exporter of every plugin, sorted by name. */
  async exporters(): Promise<readonly Loaded<Exporter>[]> {
    const all: Loaded<Exporter>[] = [];
    for (const candidate of this.found.filter((plugin) => (plugin.manifest.exporters ?? []).length > 0)) {
      const plugin = await loadPlugin(candidate);
      const identity = await identify(candidate);
      for (const part of plugin.exporters ?? []) all.push({ part, identity });
    }
    return all.sort((a, b) => (a.part.name < b.part.name ? -1 : 1));
  }

  private async load<T>(
    what: string,
    claims: (manifest: PluginManifest) => boolean,
    pick: (plugin: Plugin) => T | undefined,
  ): Promise<Loaded<T>> {
    const candidates = this.found.filter((plugin) => claims(plugin.manifest));
    if (candidates.length > 1) {
      throw coreError('ICT_TARGET_CLAIMED_TWICE', {
        message: `two plugins claim the ${what}: ${candidates.map((plugin) => plugin.name).join(' and ')}`,
        hint: 'Remove one of the plugins from the configuration.',
        facts: { plugins: candidates.map((plugin) => plugin.root) },
      });
    }
    const [candidate] = candidates;
    const part = candidate === undefined ? undefined : pick(await loadPlugin(candidate));
    if (candidate === undefined || part === undefined) {
      throw coreError('ICT_PLUGIN_INVALID', {
        message: `no plugin provides the ${what}`,
        hint: 'Install the plugin that does, and list it under `plugins:` in the configuration.',
        facts: { plugins: this.found.map((plugin) => plugin.name) },
      });
    }
    return { part, identity: await identify(candidate) };
  }
}

async function readManifest(root: string): Promise<FoundPlugin> {
  const file = join(root, 'package.json');
  const invalid = (message: string, cause?: unknown) =>
    coreError('ICT_PLUGIN_INVALID', {
      message: `${file}: ${message}`,
      hint: 'Check the path under `plugins:` and the plugin itself.',
      cause,
    });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw invalid('cannot be read', cause);
  }
  let json: { name?: unknown; version?: unknown; ict?: PluginManifest };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw invalid('is not JSON', cause);
  }
  if (json.ict === undefined) throw invalid('has no "ict" field, so it is not a plugin');
  if (json.ict.apiVersion !== 1) throw invalid(`asks for plugin API ${String(json.ict.apiVersion)}; this is version 1`);
  return { name: String(json.name), version: String(json.version), root: await realpath(root), manifest: json.ict };
}

async function definitionFiles(plugin: FoundPlugin): Promise<readonly string[]> {
  const files: string[] = [];
  for (const pattern of plugin.manifest.distros ?? []) {
    const slash = pattern.lastIndexOf('/');
    const directory = join(plugin.root, pattern.slice(0, Math.max(slash, 0)));
    const [prefix, suffix] = pattern.slice(slash + 1).split('*');
    const names = await readdir(directory);
    for (const name of names.sort()) {
      if (suffix === undefined ? name === prefix : name.startsWith(prefix) && name.endsWith(suffix)) files.push(join(directory, name));
    }
  }
  return files;
}

async function readDefinition(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `distribution definition ${file} cannot be read`,
      hint: 'Check the path given with --distro-file or under `distros:`.',
      cause,
    });
  }
}

async function loadPlugin(found: FoundPlugin): Promise<Plugin> {
  const entry = join(found.root, found.manifest.plugin ?? 'dist/plugin.js');
  if (!entry.startsWith(found.root + sep)) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${found.name}: its "plugin" path leaves the package`,
      hint: 'Name a module inside the package.',
      facts: { root: found.root, entry },
    });
  }
  const module = (await import(pathToFileURL(entry).href)) as { default?: Plugin };
  if (module.default?.apiVersion !== 1) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${found.name}: ${entry} has no default export for plugin API 1`,
      hint: 'Export the result of definePlugin() as default.',
    });
  }
  return module.default;
}
