import type { ImageSpec } from './image-spec.js';

/**
 * What a template says to one plugin, under `plugins` and the name of its package; undefined when it says nothing.
 *
 * The engine has held it to the schema that `templateSection` of the plugin's manifest names, and has filled in the defaults of that schema:
 * `T` is the type that the schema describes.
 */
export function sectionOf<T>(spec: Pick<ImageSpec, 'sections'>, plugin: string): T | undefined {
  const { sections = {} } = spec;
  return Object.hasOwn(sections, plugin) ? (sections[plugin] as T) : undefined;
}
