import type { Exporter, ImageFormat } from './image-format.js';
import type { Provider } from './provider.js';

/** What a plugin brings. All parts are optional; a plugin has at least one. */
export interface Plugin {
  readonly apiVersion: 1;
  readonly providers?: readonly Provider[];
  readonly formats?: readonly ImageFormat[];
  readonly exporters?: readonly Exporter[];
}

/** The `ict` field of a plugin's package.json: found and read without loading code. */
export interface PluginManifest {
  readonly apiVersion: 1;
  /** Module whose default export is the {@link Plugin}, relative to the package. */
  readonly plugin?: string;
  /** Ecosystems that it provides: `deb`. */
  readonly ecosystems?: readonly string[];
  /** Image types that it makes: `raw`. */
  readonly imageTypes?: readonly string[];
  /** Names of the documents that it exports: `spdx`. */
  readonly exporters?: readonly string[];
  /**
   * JSON Schema (2020-12) of what templates may say to the plugin under `plugins` and the name of its package, relative to the package;
   * read with `sectionOf`. Absent: nothing.
   */
  readonly templateSection?: string;
  /** Globs of distribution definitions, relative to the package: `distros/*.yml`. */
  readonly distros?: readonly string[];
}

/** Checks a plugin's shape at compile time; returns it unchanged. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
