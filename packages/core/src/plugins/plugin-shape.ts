import type { Plugin } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import { faultOf, fileEnd, list, optional, shape, text, whole, word, words, work, type Check } from './value-check.js';
import type { FoundPlugin } from './plugin-manifest.js';

/** What every provider has. What is optional in the contract may be absent; of its functions, those of a part alone are looked at before they are used. */
const provider = shape({
  ecosystem: text,
  metadata: shape({ snapshot: work, packages: work }),
  resolver: shape({ resolve: work, version: whole }),
  verifier: shape({ verify: work }),
  installer: shape({ version: whole, apply: work, unpack: work, clean: work }),
  inventory: shape({ list: work, purl: work }),
  fileName: work,
  catalogue: optional(shape({ list: work, describe: work })),
  twins: optional(shape({ version: whole, write: work })),
});

const format = shape({ imageTypes: words, version: whole, check: work, requires: work, tools: work, prepare: work, build: work });

const exporter = shape({ name: word, extension: fileEnd, export: work });

const parts: Check = shape({ providers: optional(list(provider)), formats: optional(list(format)), exporters: optional(list(exporter)) });

/**
 * Holds the code of a plugin to the contract, and to its manifest, by which it was chosen before its code was loaded.
 *
 * @throws `ICT_PLUGIN_INVALID`
 */
export function requireShape({ name, root, manifest }: FoundPlugin, plugin: Plugin): void {
  const fault = faultOf(plugin, parts);
  if (fault !== undefined) {
    throw coreError('ICT_PLUGIN_INVALID', {
      message: `${name}: in its default export, ${fault}`,
      hint: 'Compare it with the types of @ict/plugin-api: definePlugin() has the compiler do that.',
      facts: { root },
    });
  }
  const { providers = [], formats = [], exporters = [] } = plugin;
  const wrong = [
    ...differences(
      'ecosystems',
      'ecosystem',
      manifest.ecosystems,
      providers.map(({ ecosystem }) => ecosystem),
    ),
    ...differences(
      'imageTypes',
      'image type',
      manifest.imageTypes,
      formats.flatMap(({ imageTypes }) => imageTypes),
    ),
    ...differences(
      'exporters',
      'exporter',
      manifest.exporters,
      exporters.map((one) => one.name),
    ),
  ];
  if (wrong.length === 0) return;
  throw coreError('ICT_PLUGIN_INVALID', {
    message: `${name}: ${wrong.join('; ')}`,
    hint: 'Name the same in package.json and in the code of the plugin.',
    facts: { root },
  });
}

function differences(field: string, what: string, promised: readonly string[] = [], brought: readonly string[]): readonly string[] {
  return [
    ...promised.filter((one) => !brought.includes(one)).map((one) => `its code does not bring the ${what} "${one}" of "ict.${field}"`),
    ...brought
      .filter((one) => !promised.includes(one))
      .map((one) => `its code brings the ${what} "${one}", which "ict.${field}" leaves out`),
  ];
}
