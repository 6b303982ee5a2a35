"""The servers that are compared: each as its own documentation would have it, around this project's model and steps.

`servers` starts each in an environment of its own. All take a POST of `{"image_base64": …}` and answer with
`{"result": 7}`, on two worker processes where the server has them.
"""
