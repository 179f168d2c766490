// Builds the page. The arguments are the folder of the packages, the folder to write to,
// the folder of Go's support for wasm, and the compiled evaluator. Standard input has the
// names and the folders of what the evaluator is made of, for the licences.
import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import zlib from 'node:zlib'

const [packagesDir, out, support, wasm] = process.argv.slice(2)
const esbuild = createRequire(path.join(packagesDir, '/'))('esbuild')
const here = import.meta.dirname

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: {start: 'src/start.js', page: 'src/main.js', worker: 'src/worker.js'},
  outdir: path.resolve(out),
  nodePaths: [packagesDir],
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome120', 'firefox121', 'safari17'],
  charset: 'utf8',
  legalComments: 'none', // the licences are in licences.txt
  loader: {'.yaml': 'text'},
  alias: {wasm_exec: path.join(support, 'wasm_exec.js')},
  metafile: true,
  logLevel: 'warning',
})
for (const name of ['index.html', 'icon.svg']) fs.copyFileSync(path.join(here, 'src', name), path.join(out, name))
const css = await esbuild.transform(fs.readFileSync(path.join(here, 'src/page.css'), 'utf8'), {loader: 'css', minify: true, target: ['chrome120', 'firefox121', 'safari17']})
fs.writeFileSync(path.join(out, 'page.css'), css.code)
fs.writeFileSync(path.join(out, 'eval.wasm.gz'), zlib.gzipSync(fs.readFileSync(wasm), {level: 9}))
fs.writeFileSync(path.join(out, 'licences.txt'), licences(result.metafile))

// licences returns the licences of what is shipped: the packages that the bundle has, Go
// and the Go modules in the evaluator.
function licences(metafile) {
  const packages = new Set()
  for (const input of Object.keys(metafile.inputs)) {
    const found = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (found) packages.add(found[1])
  }
  const parts = [...packages].sort().map(name => {
    const dir = path.join(packagesDir, name)
    const {version} = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'))
    return part(`${name} ${version}`, dir)
  })
  for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
    const [name, dir] = line.split('\t')
    parts.push(part(name, dir))
  }
  return 'This page is a part of rulegate. It has these parts of others.\n\n' + parts.join('\n')
}

function part(name, dir) {
  const file = fs.readdirSync(dir).find(f => /^(licen[cs]e|copying)/i.test(f))
  if (!file) throw new Error(`${name}: no licence in ${dir}`)
  return `== ${name} ==\n\n${fs.readFileSync(path.join(dir, file), 'utf8').trim()}\n`
}
