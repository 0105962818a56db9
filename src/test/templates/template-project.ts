/**
 * A person's project whose features come from the shipped templates, by the real command line. Knows how generated code
 * is looked at (types, layout), no template.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, PACKAGE, TemporaryProject } from '../rig/command-line.js';

export interface FeatureRequest {
  readonly template: string;
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
}

/** A project that sees the packages of this repository, as a workspace of a person with vitest and happy-dom does. */
const LINKED = "export default { workspace: { link: ['node_modules'] }, sandbox: 'off' };\n";

export class TemplateProject extends TemporaryProject {
  constructor(files: Readonly<Record<string, string>> = {}) {
    super({ '.gitignore': 'node_modules\n.conductor/\n', ...files });
  }

  static linked(files: Readonly<Record<string, string>> = {}): TemplateProject {
    const project = new TemplateProject({ 'conductor.config.ts': LINKED, ...files });
    project.linkPackages();
    return project;
  }

  linkPackages(): void {
    symlinkSync(join(PACKAGE, 'node_modules'), this.path('node_modules'));
  }

  new({ template, name, set }: FeatureRequest): Promise<Ended> {
    const values = Object.entries(set).flatMap(([variable, value]) => ['--set', `${variable}=${value}`]);
    return this.conductor('new', '--template', template, '--name', name, ...values);
  }

  /** Writes all features and builds them; each must succeed. What the build printed. */
  async build(features: readonly FeatureRequest[]): Promise<string> {
    for (const feature of features) {
      const made = await this.new(feature);
      expect(made.code, made.text).toBe(0);
    }
    const built = await this.conductor('build');
    expect(built.code, built.text).toBe(0);
    return built.text;
  }

  /** Paths of the files that are not the project's own set-up, specs or templates. */
  generated(): string[] {
    const skipped = /^(?:\.git|\.conductor|node_modules|specs|templates)(?:\/|$)/;
    return readdirSync(this.dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.dir.length + 1))
      .filter(
        (path) => !skipped.test(path) && !/^(?:\.gitignore|conductor\.config\.ts|package\.json)$/.test(path),
      )
      .sort();
  }

  /** What a strict compiler says of the generated code, TypeScript and JavaScript with its JSDoc types alike. */
  typeProblems(): string {
    const strict = [
      '--strict',
      '--noUncheckedIndexedAccess',
      '--exactOptionalPropertyTypes',
      '--noImplicitReturns',
    ];
    const modules = ['--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext'];
    const libraries = ['--lib', 'es2023,dom,dom.iterable', '--types', 'node', '--skipLibCheck'];
    const options = ['--noEmit', '--allowJs', '--checkJs', ...strict, ...modules, ...libraries];
    return this.complaints('tsc', [...options, ...this.code()]);
  }

  /** What a formatter would print otherwise. */
  layoutProblems(): string {
    const style = ['--indent-style=space', '--line-width=110', '--javascript-formatter-quote-style=single'];
    return this.complaints('biome', ['format', ...style, ...this.code()]);
  }

  /** Lines that no person would leave in a file. */
  noise(): string[] {
    return this.generated().filter((path) => {
      const text = this.read(path);
      const prose = path.endsWith('.md') && /\bundefined\b|\[object|\{\{/.test(text);
      // Two empty lines between functions are the style of Python.
      const gap = path.endsWith('.py') ? /\n{4}/ : /\n{3}/;
      return prose || gap.test(text) || /[ \t]\n|^\n|\n\n$/.test(text) || !text.endsWith('\n');
    });
  }

  private code(): string[] {
    return this.generated().filter((path) => /\.(?:[cm]?js|ts)$/.test(path));
  }

  /** Empty when the program is content. */
  private complaints(program: string, args: readonly string[]): string {
    try {
      execFileSync(join(PACKAGE, 'node_modules/.bin', program), args, {
        cwd: this.dir,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: this.home, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return '';
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return stdout + stderr;
    }
  }
}
