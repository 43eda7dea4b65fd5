// Bundles the page's scripts and styles: `make bundle`. With --check it compares instead of writing.
//
// A view is a folder in ../views with a view.js and usually a view.css. The import
// "tsne-widget:views" imports all views, so a new view needs no entry here.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const VIEWS = join(HERE, "../views");
const BUNDLES = [
  { entry: join(HERE, "widget.js"), out: join(HERE, "dist/widget.js") },
  { entry: join(HERE, "../html_export/page/page.js"), out: join(HERE, "dist/page.js") },
];

const folders = readdirSync(VIEWS, { withFileTypes: true })
  .filter((one) => one.isDirectory() && existsSync(join(VIEWS, one.name, "view.js")))
  .map((one) => one.name)
  .sort();

/** Imports of a folder's styles; `first` comes first. */
function styles(folder, first = "") {
  const names = readdirSync(join(VIEWS, folder)).filter((name) => name.endsWith(".css")).sort();
  names.sort((a, b) => Number(b === first) - Number(a === first));
  return names.map((name) => `import "${folder}/${name}";`);
}

const views = {
  name: "views",
  setup(build) {
    build.onResolve({ filter: /^tsne-widget:views$/ }, ({ path }) => ({ path, namespace: "views" }));
    build.onLoad({ filter: /.*/, namespace: "views" }, () => ({
      resolveDir: VIEWS,
      contents: [
        ...styles("../frontend", "common.css"),
        ...folders.map((name, k) => `import view${k} from "./${name}/view.js";`),
        ...folders.flatMap((name) => styles(`./${name}`)),
        `export default { ${folders.map((name, k) => `${JSON.stringify(name)}: view${k}`).join(", ")} };`,
      ].join("\n"),
    }));
  },
};

let stale = 0;
for (const { entry, out } of BUNDLES) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    plugins: [views],
    write: false,
    logLevel: "warning",
  });
  for (const { path, text } of outputFiles) {
    const name = relative(process.cwd(), path);
    if (process.argv.includes("--check")) {
      if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
      console.error(`${name} is stale: run make bundle`);
      stale += 1;
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      console.log(`${name}: ${Math.round(text.length / 1000)} kB`);
    }
  }
}
process.exit(stale ? 1 : 0);
