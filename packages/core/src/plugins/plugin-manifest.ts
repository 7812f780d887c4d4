import { readFile, readdir, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { askIfMeant, nearestNames } from '@ict/package-index';
import { reasonOf, type PluginManifest } from '@ict/plugin-api';
import { compileSchema, type PluginSection, type Validator } from '@ict/template';
import { coreError } from '../errors.js';

/** A plugin that was found but whose code is not loaded yet. */
export interface FoundPlugin {
  readonly name: string;
  readonly version: string;
  readonly root: string;
  /** Names of the packages that its code imports. */
  readonly dependencies: readonly string[];
  readonly manifest: PluginManifest;
}

/** The compiler names a key that is missing here. */
const KEYS: Readonly<Record<keyof PluginManifest, true>> = {
  apiVersion: true,
  plugin: true,
  ecosystems: true,
  imageTypes: true,
  exporters: true,
  templateSection: true,
  distros: true,
};

/** Of each plugin at least one is there: without any it would be found for nothing. */
const BROUGHT = ['ecosystems', 'imageTypes', 'exporters', 'distros', 'templateSection'] as const satisfies (keyof PluginManifest)[];

/** Reads the manifest of the plugin in a directory. @throws `ICT_PLUGIN_INVALID` */
export async function readManifest(root: string): Promise<FoundPlugin> {
  const file = join(root, 'package.json');
  const invalid = (message: string, cause?: unknown, hint = 'Check the path under `plugins:` and the plugin itself.') =>
    coreError('ICT_PLUGIN_INVALID', { message: `${file}: ${message}`, hint, cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw invalid('cannot be read', cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid('is not JSON', cause);
  }
  const { name, version, ict, ...others } = isRecord(json) ? json : {};
  if (!isWord(name) || !isWord(version)) throw invalid('has no name and version');
  if (ict === undefined) throw invalid('has no "ict" field, so it is not a plugin');
  if (!isRecord(ict)) throw invalid('"ict" is not a mapping');
  const { apiVersion } = ict;
  if (apiVersion === undefined) throw invalid('"ict.apiVersion" is missing', undefined, 'Plugins for this version of ICT say 1.');
  if (apiVersion !== 1) {
    const hint = 'Use the version of the plugin that is for plugin API 1, or the version of ICT that the plugin is for.';
    throw invalid(`asks for plugin API ${JSON.stringify(apiVersion)}; this is version 1`, undefined, hint);
  }
  for (const path of ['plugin', 'templateSection']) {
    if (ict[path] !== undefined && typeof ict[path] !== 'string') throw invalid(`"ict.${path}" is not a path`);
  }
  for (const list of ['ecosystems', 'imageTypes', 'exporters', 'distros']) {
    if (!isTextList(ict[list] ?? [])) throw invalid(`"ict.${list}" is not a list of texts`);
  }
  for (const key of Object.keys(ict)) {
    if (Object.hasOwn(KEYS, key)) continue;
    // What a later version may know is passed over; what was misspelt would be missing without a word.
    const meant = askIfMeant(nearestNames(key, Object.keys(KEYS)));
    if (meant !== undefined) throw invalid(`"ict.${key}" is not known`, undefined, meant);
  }
  if (BROUGHT.every((key) => ict[key] === undefined)) {
    throw invalid('"ict" names nothing that the plugin brings', undefined, `Name it under ${BROUGHT.map((key) => `"${key}"`).join(', ')}.`);
  }
  const dependencies = Object.keys(isRecord(others['dependencies']) ? others['dependencies'] : {});
  return { name, version, root: await realpath(root), dependencies, manifest: ict as unknown as PluginManifest };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

/** Files of the patterns in a manifest. One that finds nothing is a mistake: its target would be missing without a word. */
export async function definitionFiles(plugin: FoundPlugin): Promise<readonly string[]> {
  const files: string[] = [];
  for (const pattern of plugin.manifest.distros ?? []) {
    const directory = dirname(inside(plugin, pattern, '"distros"'));
    const [prefix, suffix] = pattern.slice(pattern.lastIndexOf('/') + 1).split('*');
    const names = await readdir(directory).catch((cause: unknown) => {
      throw noDefinition(plugin, pattern, cause);
    });
    const matching = names.filter((name) =>
      suffix === undefined
        ? name === prefix
        : name.length >= prefix.length + suffix.length && name.startsWith(prefix) && name.endsWith(suffix),
    );
    if (matching.length === 0) throw noDefinition(plugin, pattern);
    files.push(...matching.sort().map((name) => join(directory, name)));
  }
  return files;
}

function noDefinition(plugin: FoundPlugin, pattern: string, cause?: unknown) {
  return coreError('ICT_PLUGIN_INVALID', {
    message: `${plugin.name}: no distribution definition matches ${pattern}`,
    hint: 'Check "ict.distros" in its package.json, and that the files are part of the package.',
    facts: { root: plugin.root, pattern },
    cause,
  });
}

/** The absolute path that a manifest names. */
export function inside(plugin: FoundPlugin, path: string, what: string): string {
  const full = join(plugin.root, path);
  if (full.startsWith(plugin.root + sep)) return full;
  throw coreError('ICT_PLUGIN_INVALID', {
    message: `${plugin.name}: its ${what} path leaves the package`,
    hint: 'Name a file inside the package.',
    facts: { root: plugin.root, path: full },
  });
}

/** Absolute path of the module whose default export is the plugin. @throws `ICT_PLUGIN_INVALID` */
export function entryOf(plugin: FoundPlugin): string {
  return inside(plugin, plugin.manifest.plugin ?? 'dist/plugin.js', '"plugin"');
}

/** What a plugin lets templates say to it; undefined when that is nothing. @throws `ICT_PLUGIN_INVALID` */
export async function readSection(plugin: FoundPlugin): Promise<PluginSection | undefined> {
  const { templateSection } = plugin.manifest;
  if (templateSection === undefined) return undefined;
  const file = inside(plugin, templateSection, '"templateSection"');
  const invalid = (what: string, cause?: unknown) =>
    coreError('ICT_PLUGIN_INVALID', {
      message: `${plugin.name}: the schema of its section, ${file}, ${what}`,
      hint: 'It must be a JSON Schema (2020-12) of a mapping; check "ict.templateSection" in the package.json of the plugin.',
      facts: { root: plugin.root, file },
      cause,
    });
  const schema = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch((cause: unknown) => {
      throw invalid('cannot be read', cause);
    });
  if (!isRecord(schema) || schema['type'] !== 'object') throw invalid('does not say "type": "object"');
  let validator: Validator | undefined;
  return {
    schema,
    // Compiling takes its time: only templates that say something to the plugin pay for it.
    validator: () => {
      try {
        return (validator ??= compileSchema(schema));
      } catch (cause) {
        throw invalid(`cannot be used: ${reasonOf(cause)}`, cause);
      }
    },
  };
}
