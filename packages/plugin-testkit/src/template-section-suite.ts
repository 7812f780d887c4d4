import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { sectionOf, type ImageSpec, type Json } from '@ict/plugin-api';
import {
  compileSchema,
  completeSections,
  type PluginSections,
  parseYaml,
  templateSchemaWith,
  writeTemplate,
  type Template,
} from '@ict/template';
import { deepFreeze } from './plain-data.js';
import type { TestApi } from './test-api.js';

/** A section of a template as its plugin sees it: what `sectionOf` finds. */
export type SectionView = Pick<ImageSpec, 'sections'>;

/** What the suite of a template section works on. Make it once a test. */
export interface TemplateSectionFixture {
  /** Directory of the plugin: its package.json names the schema as `ict.templateSection`. */
  readonly root: string;
  /** Sections that templates may have. */
  readonly valid: readonly Json[];
  /** Sections that they may not have, each wrong in one way, and the key that the message must name. */
  readonly invalid: readonly { readonly section: Json; readonly key: string }[];
  /** What the plugin makes of a section: its own code around `sectionOf`. Must take any valid section, and a template without one. */
  readonly read: (spec: SectionView) => unknown;
}

/** A key that no plugin has. */
const STRANGE = 'a-key-that-means-nothing';

interface Node {
  readonly type?: unknown;
  readonly description?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

interface Section {
  readonly name: string;
  readonly schema: Node;
}

/** Declares the tests that every section of a plugin must pass: templates are held to it, editors can explain it, and its reader copes. */
export function describeTemplateSection(
  name: string,
  makeFixture: () => TemplateSectionFixture | Promise<TemplateSectionFixture>,
  api: TestApi,
): void {
  const { describe, expect } = api;
  const it = (title: string, body: (fixture: TemplateSectionFixture, section: Section) => void): unknown =>
    api.it(title, async () => {
      const fixture = await makeFixture();
      body(fixture, await readSection(fixture.root));
    });

  describe(`template section conformance: ${name}`, () => {
    it('has a strict schema of a mapping that explains every key', (_fixture, { schema }) => {
      compileSchema(schema);
      expect([schema.type, unexplained(schema)]).toEqual(['object', []]);
    });

    it('takes what it should, also as part of the schema of templates', ({ valid }, section) => {
      const validator = compileSchema(templateSchemaWith(sectionsOf(section)));
      const refused = valid.flatMap((one) => validator.check(templateWith(section, one), 'template').map(({ message }) => message));
      expect([valid.length > 0, refused]).toEqual([true, []]);
    });

    it('refuses what it should, and names the key', ({ invalid }, { schema }) => {
      const validator = compileSchema(schema);
      const missed = invalid.filter(
        ({ section, key }) => !validator.check(section, 'section').some(({ message }) => message.includes(key)),
      );
      expect([invalid.length > 0, missed]).toEqual([true, []]);
    });

    it('refuses keys that it does not know', ({ valid }, { schema }) => {
      const validator = compileSchema(schema);
      const open = valid.filter((one) => validator.check({ ...(one as object), [STRANGE]: 1 }, 'section').length === 0);
      expect(open).toEqual([]);
    });

    it('has defaults that are valid, and complete a section once', ({ valid }, section) => {
      const validator = compileSchema(section.schema);
      for (const one of valid) {
        const complete = completed(section, one);
        expect(validator.check(complete, 'section').map(({ message }) => message)).toEqual([]);
        expect(completed(section, complete)).toEqual(complete);
      }
    });

    it('is the same after a template is printed and read again', ({ valid }, section) => {
      for (const one of valid) {
        const { data } = parseYaml(writeTemplate(templateWith(section, one)), 'printed.yml');
        expect((data as Template).plugins?.[section.name]).toEqual(one);
      }
    });

    it('is read the same each time, and not changed', ({ valid, read }, section) => {
      for (const one of valid) {
        const spec: SectionView = deepFreeze({ sections: { [section.name]: completed(section, one) } });
        expect(sectionOf(spec, section.name) === undefined).toEqual(false);
        expect(read(spec)).toEqual(read(spec));
      }
    });

    it('can be absent', ({ read }) => {
      expect(read({ sections: {} })).toEqual(read({}));
    });
  });
}

/** The schema that the manifest of a plugin names. @throws when it names none, or one outside of its package. */
async function readSection(root: string): Promise<Section> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly ict?: { readonly templateSection?: string };
  };
  const named = manifest.ict?.templateSection;
  if (named === undefined) throw new Error('package.json names no ict.templateSection');
  const file = join(root, named);
  if (!file.startsWith(join(root, sep))) throw new Error(`ict.templateSection leads out of the package: ${named}`);
  return { name: manifest.name, schema: JSON.parse(await readFile(file, 'utf8')) as Node };
}

function sectionsOf({ name, schema }: Section): PluginSections {
  return new Map([[name, { schema, validator: () => compileSchema(schema) }]]);
}

/** A section as the engine hands it to the plugin. */
function completed(section: Section, data: Json): Json {
  return completeSections({ [section.name]: data }, sectionsOf(section))[section.name] as Json;
}

function templateWith({ name }: Section, section: Json): Template {
  return {
    image: { name: 'image', version: '1' },
    target: { os: 'acme', dist: 'acme1', arch: 'x86_64', imageType: 'raw' },
    plugins: { [name]: section as Readonly<Record<string, unknown>> },
  };
}

/** Paths of keys without a description, which is what editors and `ict schema` show. */
function unexplained({ properties = {}, items }: Node, path = ''): readonly string[] {
  const own = Object.entries(properties).flatMap(([key, inner]) => [
    ...(typeof inner.description === 'string' && inner.description !== '' ? [] : [`${path}${key}`]),
    ...unexplained(inner, `${path}${key}.`),
  ]);
  return [...own, ...(items === undefined ? [] : unexplained(items, path))];
}
