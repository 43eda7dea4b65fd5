// Types of the module that bundle.mjs generates from the folders in tsne_widget/widgets/views.
declare module "tsne-widget:views" {
  const views: Record<string, any>;
  export default views;
}
