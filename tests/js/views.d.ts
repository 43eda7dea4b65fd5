// What the bundler makes of the folders in tsne_widget/widgets/views: see bundle.mjs.
declare module "tsne-widget:views" {
  const views: Record<string, any>;
  export default views;
}
