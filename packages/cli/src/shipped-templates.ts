import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTemplate, templateError } from '@ict/template';
import { shippedDirectory } from './shipped-files.js';

/** A template that comes with ict, with what it says of itself. */
export interface ShippedTemplate {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  readonly os: string;
  readonly dist: string;
  readonly arch: string;
  readonly imageType: string;
  readonly description: string;
  readonly useCases: readonly string[];
  readonly keywords: readonly string[];
}

/**
 * The templates that come with ict, by name.
 *
 * @throws `ICT_TEMPLATE_INVALID` for one that is damaged
 */
export async function shippedTemplates(directory = shippedDirectory('templates')): Promise<readonly ShippedTemplate[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Promise.all(
    names
      .filter((name) => name.endsWith('.yml') && !name.endsWith('.lock.yml'))
      .sort()
      .map((name) => readShipped(join(directory, name), name)),
  );
}

async function readShipped(file: string, name: string): Promise<ShippedTemplate> {
  const { template, problems } = parseTemplate(await readFile(file, 'utf8'), file);
  if (template === undefined) {
    throw templateError('ICT_TEMPLATE_INVALID', {
      message: `${file} is not a valid template`,
      hint: 'Install ict again.',
      facts: { file },
      problems,
    });
  }
  const { target, metadata = {} } = template;
  return {
    name: name.replace(/\.yml$/, ''),
    file,
    os: target.os,
    dist: target.dist,
    arch: target.arch,
    imageType: target.imageType,
    description: metadata.description ?? '',
    useCases: metadata.use_cases ?? [],
    keywords: metadata.keywords ?? [],
  };
}

/** Whether every word is somewhere in what a template says of itself, letter case aside. */
export function matchesWords(template: ShippedTemplate, words: readonly string[]): boolean {
  const { name, os, dist, arch, imageType, description, useCases, keywords } = template;
  const text = [name, os, dist, arch, imageType, description, ...useCases, ...keywords].join('\n').toLowerCase();
  return words.every((word) => text.includes(word.toLowerCase()));
}
