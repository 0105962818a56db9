/** Templates of a project with the partials that they use: each is read and parsed once in a build. */

import { err, ok, type Result } from '../base/result.js';
import { partialNames } from '../io/template/template.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import type { Project } from '../project/project.js';

export const TEMPLATES = 'templates/';
export const PARTIALS = 'templates/partials/';

export interface TemplateText {
  readonly path: string;
  readonly id: ObjectId;
  readonly text: string;
}

export interface Template extends TemplateText {
  /** By name: also those that partials use. */
  readonly partials: ReadonlyMap<string, TemplateText>;
}

export class TemplateFiles {
  private readonly project: Pick<Project, 'objects' | 'listing'>;
  private readonly known = new Map<string, Result<Template, Failure>>();
  private readonly texts = new Map<string, TemplateText | undefined>();

  constructor(project: Pick<Project, 'objects' | 'listing'>) {
    this.project = project;
  }

  async read(name: string): Promise<Result<Template, Failure>> {
    const template = this.known.get(name) ?? (await this.readNew(name));
    this.known.set(name, template);
    return template;
  }

  private async readNew(name: string): Promise<Result<Template, Failure>> {
    const path = TEMPLATES + name;
    const file = await this.file(path);
    if (!file)
      return err({ kind: 'template-error', template: path, message: 'the project has no such file' });
    const partials = new Map<string, TemplateText>();
    const wanted = file.text.includes('{{') ? await partialNames(file.text) : [];
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      if (partials.has(next)) continue;
      const partial = await this.file(`${PARTIALS}${next}.hbs`);
      if (!partial) {
        const message = `the partial ${next} (${PARTIALS}${next}.hbs) does not exist`;
        return err({ kind: 'template-error', template: path, message });
      }
      partials.set(next, partial);
      wanted.push(...(await partialNames(partial.text)));
    }
    return ok({ ...file, partials });
  }

  private async file(path: string): Promise<TemplateText | undefined> {
    if (this.texts.has(path)) return this.texts.get(path);
    const { objects, listing } = this.project;
    const id = listing.get(path)?.id;
    const text = id && (await objects.readMany([id])).get(id)?.toString('utf8');
    const file = id === undefined || text === undefined ? undefined : { path, id, text };
    this.texts.set(path, file);
    return file;
  }
}
