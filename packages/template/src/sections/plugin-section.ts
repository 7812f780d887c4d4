import type { Json, ProblemReport } from '@ict/plugin-api';
import { nearest } from '../problems/nearest.js';
import { problem } from '../problems/problem.js';
import { fillDefaults } from '../validation/schema-defaults.js';
import { templateSchema } from '../schema/template.js';
import type { Validator } from '../validation/validation.js';
import type { DocumentPositions } from '../documents/yaml-document.js';

/** What a plugin lets templates say to it. */
export interface PluginSection {
  /** JSON Schema (2020-12) of the section. */
  readonly schema: object;
  /** Checks sections by that schema. @throws an error of the plugin's, when the schema is none. */
  validator(): Validator;
}

/** Sections by the name of the plugin. */
export type PluginSections = ReadonlyMap<string, PluginSection>;

type Written = Readonly<Record<string, unknown>>;

/** Every fault of the sections of one file, and the names of those that have one. */
export function checkSections(
  written: Written,
  sections: PluginSections,
  positions: DocumentPositions | undefined,
): { readonly problems: readonly ProblemReport[]; readonly faulty: readonly string[] } {
  const found = Object.entries(written).map(([plugin, data]) => {
    const section = sections.get(plugin);
    if (section === undefined) return { plugin, problems: [unknownPlugin(plugin, sections, positions)] };
    return { plugin, problems: section.validator().check(data, `section of ${plugin}`, positions, ['plugins', plugin]) };
  });
  return {
    problems: found.flatMap(({ problems }) => problems),
    faulty: found.flatMap(({ plugin, problems }) => (problems.length > 0 ? [plugin] : [])),
  };
}

function unknownPlugin(plugin: string, sections: PluginSections, positions: DocumentPositions | undefined): ProblemReport {
  const position = positions?.keyPositionOf(['plugins', plugin]);
  const near = nearest(plugin, [...sections.keys()]);
  const hint =
    near === undefined
      ? 'List the plugin under "plugins" in the configuration; one that is listed takes none.'
      : `Did you mean ${JSON.stringify(near)}?`;
  const details = position === undefined ? { hint } : { hint, position, snippet: positions?.snippet(position) ?? '' };
  return problem('ICT_DOCUMENT_UNKNOWN_KEY', `no plugin ${JSON.stringify(plugin)} takes settings from templates`, details);
}

/** Sections as plugins see them: with the defaults of their schemas. */
export function completeSections(written: Written, sections: PluginSections): Readonly<Record<string, Json>> {
  const complete = Object.entries(written).map(([plugin, data]) => [plugin, fillDefaults(sections.get(plugin)?.schema ?? {}, data)]);
  return Object.fromEntries(complete) as Readonly<Record<string, Json>>;
}

/** The schema of templates with the sections of these plugins. */
export function templateSchemaWith(sections: PluginSections): object {
  const { properties } = templateSchema;
  // An `$id` of its own makes references inside a schema count from there.
  const named = [...sections].map(([plugin, { schema }]) => [plugin, { $id: `urn:ict:plugin:${plugin}`, ...schema }]);
  const plugins = { ...properties.plugins, properties: Object.fromEntries(named) as object, additionalProperties: false };
  return { ...templateSchema, properties: { ...properties, plugins } };
}
